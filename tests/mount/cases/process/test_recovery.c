// SPDX-License-Identifier: BSD-2-Clause
/*
 * Workers that end at chosen points of a request's life (keeper/crashpoint.h), alone or together,
 * and what the next one makes of it. Random moments, under every kind of load, are in test_survive.
 */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/crashpoint.h"
#include "tests/mount/keeper/interrupted_call.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/load/load_kinds.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { TIMES = 10, DEATHS = 20, LOW_LIMIT = 192, INNOCENTS = 4, POISONERS = 2 };

static struct load *start_load(const struct load_kind *const *kinds)
{
    assert_ok(mkdir("mnt/load", 0755));
    struct load *load = load_start("mnt/load", kinds, (uint64_t)time(NULL));
    assert_non_null(load);
    assert_int_equal(load_run(load), 0);
    return load;
}

static void stop_load(struct load *load)
{
    assert_int_equal(load_rest(load), 0);
    struct load_figures figures = load_stop(load);
    assert_true(figures.calls > 0);
    assert_int_equal(figures.failed, 0);
    assert_int_equal(figures.different, 0);
}

/* The word to begin, told to one that did not live to hear it, must not make two serve later. */
static void standby_dies_before_it_begins(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    pid_t keeper = keeper_start(workspace, &(struct keeper_settings){ .with_store = true });
    struct load *load = start_load(load_everything);
    for (int i = 0; i < TIMES; i++) {
        assert_int_equal(load_await_calls(load, 200), 0);
        pid_t worker = keeper_worker(keeper), standby = keeper_standby(keeper);
        stop_process(standby);
        kill_and_wait(worker);
        kill_and_wait(standby);
        // The status is from one that serves; by then there is one more, that waits.
        worker = (pid_t)read_status_number(workspace, "pid");
        assert_int_equal(keeper_worker(keeper), worker);
        assert_int_not_equal(keeper_standby(keeper), worker);
        assert_int_equal(children_of(keeper, (pid_t[CHILDREN_MOST]){ 0 }), 2);
        assert_int_equal(read_status_number(workspace, "pid"), worker);
        assert_int_equal(read_status_number(workspace, "restarts"), 2 * (i + 1));
    }
    stop_load(load);
    keeper_stop(workspace, keeper);
}

static void both_workers_die_at_once(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    pid_t keeper = keeper_start(workspace, &(struct keeper_settings){ .with_store = true });
    struct load *load = start_load(load_everything);
    for (int i = 0; i < TIMES; i++) {
        assert_int_equal(load_await_calls(load, 200), 0);
        pid_t first = keeper_worker(keeper), second = keeper_standby(keeper);
        if (i % 2 == 0) { // in both orders
            pid_t swap = first;
            first = second;
            second = swap;
        }
        assert_ok(kill(first, SIGKILL));
        assert_ok(kill(second, SIGKILL));
        await_end(first);
        await_end(second);
        assert_int_equal(keeper_worker(keeper), read_status_number(workspace, "pid"));
        keeper_standby(keeper);
        assert_int_equal(children_of(keeper, (pid_t[CHILDREN_MOST]){ 0 }), 2);
    }
    stop_load(load);
    keeper_stop(workspace, keeper);
}

static int be_innocent(struct coprocess *parent, void *argument)
{
    const unsigned *number = argument;
    char path[64];
    struct stat attr;

    snprintf(path, sizeof(path), "mnt/innocent%u", *number);
    coprocess_check(coprocess_give_turn(parent));
    for (int i = 0; i < 200; i++) {
        coprocess_check(mkdir(path, 0755) == 0);
        coprocess_check(stat(path, &attr) == 0);
        coprocess_check(rmdir(path) == 0);
    }
    return 0;
}

static int be_poison(struct coprocess *parent, void *argument)
{
    const unsigned *number = argument;
    struct stat attr;
    char path[64];

    (void)parent;
    snprintf(path, sizeof(path), "mnt/poisoned%u", *number);
    coprocess_check(stat(path, &attr) == -1 && errno == EIO);
    coprocess_check(mkdir(path, 0755) == -1 && errno == EIO);
    return 0;
}

/* Each of them ends three workers. Others served at the same time must not be refused for that. */
static void innocents_are_served(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    struct coprocess innocent[INNOCENTS], poisoner[POISONERS];
    unsigned number[INNOCENTS] = { 0, 1, 2, 3 };

    pid_t keeper = keeper_start(
        workspace, &(struct keeper_settings){ .variable = "SHMAPFS_FAULTS", .poison = "poisoned" });
    for (unsigned i = 0; i < INNOCENTS; i++)
        assert_int_equal(coprocess_start(&innocent[i], be_innocent, &number[i]), 0);
    for (unsigned i = 0; i < INNOCENTS; i++)
        assert_true(coprocess_await_turn(&innocent[i]));
    for (unsigned i = 0; i < POISONERS; i++)
        assert_int_equal(coprocess_start(&poisoner[i], be_poison, &number[i]), 0);
    for (unsigned i = 0; i < POISONERS; i++)
        assert_coprocess_succeeds(&poisoner[i]);
    for (unsigned i = 0; i < INNOCENTS; i++)
        assert_coprocess_succeeds(&innocent[i]);
    // A name that is not known is looked up for mkdir, too.
    assert_int_equal(log_lines("refused"), 2 * POISONERS);
    assert_int_equal(log_lines("request LOOKUP of node 1 ended 3 workers"), 2 * POISONERS);
    assert_true(read_status_number(workspace, "restarts") <= 6 * POISONERS);
    keeper_stop(workspace, keeper);
}

/* The worker that serves after another one. */
struct worker_succession {
    pid_t keeper, before;
    pid_t *after;
};

static bool is_another(void *argument)
{
    const struct worker_succession *succession = argument;

    *succession->after = keeper_child(succession->keeper, " serves ");
    return *succession->after != 0 && *succession->after != succession->before;
}

/* One that is served alone, because it was there when a worker crashed, has its worker killed for
 * another reason: it has nothing to answer for. */
static void death_while_served_alone(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[] = "mnt/directory";
    struct client_call call = { make_directory_at, path };
    struct coprocess client;

    pid_t keeper = keeper_start_with_crashpoints(workspace, false);
    pid_t worker = call_and_stop(keeper, POINT_OF_EXECUTION, &call, &client);
    arm_point("before-record");
    assert_ok(kill(worker, SIGSEGV));
    assert_ok(kill(worker, SIGCONT));
    await_end(worker);
    await_true(is_another, &(struct worker_succession){ keeper, worker, &worker },
               "another worker");
    await_stop(worker);
    kill_and_wait(worker);
    assert_coprocess_succeeds(&client);
    assert_true(S_ISDIR(stat_of(path).st_mode));
    assert_int_equal(log_lines("refused"), 0);
    assert_int_equal(read_status_number(workspace, "restarts"), 2);
    keeper_stop(workspace, keeper);
}

static void few_descriptors(void **state)
{
    // No kind that holds many files without a name, or directories being read.
    static const struct load_kind *const kinds[] = { &load_private, &load_data,  &load_churn,
                                                     &load_append,  &load_mutex, NULL };
    const struct workspace *workspace = workspace_of(state);

    pid_t keeper = keeper_start(
        workspace, &(struct keeper_settings){ .with_store = true, .descriptors = LOW_LIMIT });
    struct load *load = start_load(kinds);
    for (int i = 0; i < DEATHS; i++) {
        assert_int_equal(load_await_calls(load, 200), 0);
        kill_and_wait(keeper_worker(keeper));
        assert_int_equal(read_status_number(workspace, "restarts"), i + 1);
    }
    stop_load(load);
    keeper_stop(workspace, keeper);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(standby_dies_before_it_begins),
    cmocka_unit_test(both_workers_die_at_once),
    cmocka_unit_test(innocents_are_served),
    cmocka_unit_test(death_while_served_alone),
    cmocka_unit_test(few_descriptors),
};

WORKSPACE_MAIN("recovery", cases)
