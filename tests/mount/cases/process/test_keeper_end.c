// SPDX-License-Identifier: BSD-2-Clause
/* A worker that is stopped when its keeper ends, or wants it to end. */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/crashpoint.h"
#include "tests/mount/keeper/damage.h"
#include "tests/mount/keeper/damaged_mount.h"
#include "tests/mount/keeper/interrupted_call.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns whether the mount answers or has ended: nobody waits for ever. */
static int ask(struct coprocess *parent, void *argument)
{
    struct stat attr;

    (void)parent;
    (void)argument;
    coprocess_check(stat("mnt/none", &attr) == -1);
    return 0;
}

static void stopped_worker_follows_its_keeper(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess client;

    // The second time, all of them are stopped.
    for (int i = 0; i < 2; i++) {
        pid_t keeper = keeper_start(workspace, &(struct keeper_settings){ .with_store = true });
        put_file("mnt/file", "contents");
        pid_t worker = keeper_worker(keeper);
        stop_process(worker);
        if (i == 1)
            stop_process(keeper_standby(keeper));
        assert_int_equal(coprocess_start(&client, ask, NULL), 0);
        assert_ok(kill(keeper, SIGKILL));
        await_end(worker);
        assert_coprocess_succeeds(&client);
        keeper_await_end_of_mount(workspace);
        assert_content("store/file", "contents");
    }
}

/* A worker that recovered may have served a request in somebody's name before its threads do: a
 * request that may be the reason for a crash. The kernel then forgets what it was to do. */
static void stopped_second_worker_follows_its_keeper(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct client_call mkdir_call = { make_directory_at, (char[]){ "mnt/new" } };
    struct coprocess client;

    pid_t keeper = keeper_start_with_crashpoints(workspace, false);
    pid_t worker = call_and_stop(keeper, POINT_OF_EXECUTION, &mkdir_call, &client);
    assert_ok(kill(worker, SIGSEGV));
    assert_ok(kill(worker, SIGCONT));
    await_end(worker);
    assert_coprocess_succeeds(&client);
    worker = keeper_worker(keeper);
    stop_process(worker);
    assert_ok(kill(keeper, SIGKILL));
    await_end(worker);
    keeper_await_end_of_mount(workspace);
}

static void stopped_worker_obeys(void **state)
{
    struct workspace *workspace = workspace_of(state);

    pid_t keeper = keeper_start(workspace, &(struct keeper_settings){ .with_store = true });
    put_file("mnt/file", "contents");
    stop_process(keeper_worker(keeper));
    assert_ok(kill(keeper, SIGTERM));
    assert_int_equal(wait_for_process(keeper), 0);
    assert_int_equal(workspace_await_children(), 0);
    assert_false(workspace_is_mounted(workspace->mnt));
    assert_content("store/file", "contents");
}

/* Does what the keeper does first when a worker has died. */
static void appoint(pid_t keeper, pid_t standby)
{
    const struct spot *spot = damage_state;

    while (strcmp(spot->name, "life.worker") != 0)
        spot++;
    int memory = open_memory(keeper, "shmapfs-state");
    assert_ok(pwrite(memory, &standby, sizeof(standby), (off_t)spot->offset));
    assert_ok(close(memory));
}

/* A keeper that is killed when it has appointed the standby, and not told it yet. */
static void appointed_standby_ends_the_mount(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess client;

    pid_t keeper = keeper_start(workspace, &(struct keeper_settings){ .with_store = false });
    pid_t worker = keeper_worker(keeper);
    pid_t standby = keeper_standby(keeper);
    stop_process(keeper);
    appoint(keeper, standby);
    assert_ok(kill(worker, SIGKILL));
    assert_int_equal(coprocess_start(&client, ask, NULL), 0);
    assert_ok(kill(keeper, SIGKILL));
    assert_coprocess_succeeds(&client);
    keeper_await_end_of_mount(workspace);
}

static int write_and_keep_open(struct coprocess *parent, void *argument)
{
    int fd = open("mnt/dir/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    (void)argument;
    coprocess_check(pwrite(fd, "contents", 8, 0) == 8);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    return 0;
}

/* A worker that dies when it has closed the connection: another one commits what is open. */
static void dead_worker_has_nothing_uncommitted(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct keeper_settings settings = { .variable = "SHMAPFS_FAULTS",
                                        .with_store = true,
                                        .options = "atomic=dir",
                                        .stops_at_points = true };
    struct coprocess client;

    pid_t keeper = keeper_start(workspace, &settings);
    pid_t worker = keeper_worker(keeper);
    assert_int_equal(coprocess_start(&client, write_and_keep_open, NULL), 0);
    assert_true(coprocess_await_turn(&client));
    arm_point("after-end");
    assert_ok(kill(keeper, SIGTERM));
    await_stop(worker);
    assert_ok(kill(worker, SIGKILL));
    assert_int_equal(wait_for_process(keeper), 0);
    assert_true(coprocess_give_turn(&client));
    assert_coprocess_succeeds(&client);
    assert_int_equal(workspace_await_children(), 0);
    assert_content("store/dir/file", "contents");
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(stopped_worker_follows_its_keeper),
    cmocka_unit_test(stopped_second_worker_follows_its_keeper),
    cmocka_unit_test(stopped_worker_obeys),
    cmocka_unit_test(appointed_standby_ends_the_mount),
    cmocka_unit_test(dead_worker_has_nothing_uncommitted),
};

WORKSPACE_MAIN("keeper_end", cases)
