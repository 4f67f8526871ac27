// SPDX-License-Identifier: BSD-2-Clause
/*
 * Workers that end at chosen moments, and what the next one makes of it. The moments are points of a request's life at which
 * a build with points of failure stops (keeper/crashpoint.h), so that the case can look, change something, kill whom it wants and
 * let the rest go on. Random moments, under every kind of load, are in survive.
 */
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/crashpoint.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/load/load_kinds.h"
#include "tests/mount/survive/survive.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { TIMES = 10, DEATHS = 20, LOW_LIMIT = 192, INNOCENTS = 4, POISONERS = 2, MANY = 40 };

static pid_t start(const struct workspace *workspace, bool with_store)
{
    return keeper_start(workspace, &(struct keeper_settings){ .with_store = with_store,
                                                              .options = "descriptors=16",
                                                              .variable = "SHMAPFS_FAULTS",
                                                              .stops_at_points = true });
}

/* A call that another process makes. */
struct call {
    int (*make)(void *argument);
    void *argument;
};

static int make_call(struct coprocess *parent, void *argument)
{
    const struct call *call = argument;

    (void)parent;
    coprocess_check(call->make(call->argument) == 0);
    return 0;
}

/* In the order in which a request that changes something passes them. */
static const char *const points[] = { "after-read",    "before-execution", "after-execution",
                                      "before-record", "after-record",     "after-reply" };
enum { POINTS = sizeof(points) / sizeof(points[0]), EXECUTION = 2 };

/* Another process makes a call, whose worker stops at the point. Returns the worker. */
static pid_t call_and_stop_process(pid_t keeper, unsigned point, struct call *call,
                                   struct coprocess *client)
{
    pid_t worker = keeper_worker(keeper);

    // Other requests of the call, such as for its path, pass the same points except one.
    arm_point(points[point < EXECUTION ? point : EXECUTION]);
    assert_int_equal(coprocess_start(client, make_call, call), 0);
    await_stop(worker);
    if (point > EXECUTION) {
        arm_point(points[point]);
        assert_ok(kill(worker, SIGCONT));
        await_stop(worker);
    }
    return worker;
}

/* The same; the worker dies there, and the next one has to make the call good. */
static void call_and_die(pid_t keeper, unsigned point, int (*make)(void *), void *argument)
{
    struct call call = { make, argument };
    struct coprocess client;

    kill_and_wait(call_and_stop_process(keeper, point, &call, &client));
    assert_coprocess_succeeds(&client);
}

static int rename_with_whiteout(void *argument)
{
    (void)argument;
    return renameat2(AT_FDCWD, "mnt/from", AT_FDCWD, "mnt/to", RENAME_WHITEOUT);
}

/* A second attempt would put the whiteout where the contents are. That shows in the store: through the mount, the kernel goes by
 * what it believes to have renamed. */
static void whiteout_is_left_once(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // A whiteout is a device.
    pid_t keeper = start(workspace, true);
    for (unsigned i = 0; i < POINTS; i++) {
        put_file("mnt/from", "contents");
        call_and_die(keeper, i, rename_with_whiteout, NULL);
        assert_content("mnt/to", "contents");
        assert_true(S_ISREG(lstat_of("store/to").st_mode));
        assert_content("store/to", "contents");
        struct stat left = lstat_of("store/from");
        assert_true(S_ISCHR(left.st_mode));
        assert_int_equal(left.st_rdev, makedev(0, 0));
        assert_true(S_ISCHR(lstat_of("mnt/from").st_mode));
        assert_ok(unlink("mnt/from"));
        assert_int_equal(read_status_number(workspace, "restarts"), i + 1);
    }
    keeper_stop(workspace, keeper);
}

static int create_attribute(void *argument)
{
    return setxattr(argument, "user.word", "value", 5, XATTR_CREATE);
}

static int replace_attribute(void *argument)
{
    return setxattr(argument, "user.word", "other", 5, XATTR_REPLACE);
}

static int remove_attribute(void *argument)
{
    return removexattr(argument, "user.word");
}

static void attributes_are_set_and_removed_once(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[] = "mnt/file", value[8];

    pid_t keeper = start(workspace, false);
    put_file(path, "");
    for (unsigned i = 0; i < POINTS; i++) {
        call_and_die(keeper, i, create_attribute, path);
        assert_errno(create_attribute(path), EEXIST);
        call_and_die(keeper, i, replace_attribute, path);
        assert_int_equal(getxattr(path, "user.word", value, sizeof(value)), 5);
        assert_memory_equal(value, "other", 5);
        call_and_die(keeper, i, remove_attribute, path);
        assert_errno(remove_attribute(path), ENODATA);
        assert_errno(replace_attribute(path), ENODATA);
    }
    keeper_stop(workspace, keeper);
}

static int make_anon(void *argument)
{
    return setxattr(argument, "user.shmapfs.class", "anon", 4, 0);
}

static int make_plain(void *argument)
{
    return removexattr(argument, "user.shmapfs.class");
}

static void classes_are_set_and_unset_once(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[] = "mnt/directory";

    pid_t keeper = start(workspace, true);
    assert_ok(mkdir(path, 0755));
    for (unsigned i = 0; i < POINTS; i++) {
        call_and_die(keeper, i, make_anon, path);
        assert_class(path, "anon");
        put_file("mnt/directory/file", "contents");
        assert_class("mnt/directory/file", "anon");
        assert_false(exists("store/directory/file"));
        assert_content("mnt/directory/file", "contents");
        assert_ok(unlink("mnt/directory/file"));
        call_and_die(keeper, i, make_plain, path);
        assert_class(path, "persist");
        put_file("mnt/directory/file", "contents");
        assert_content("store/directory/file", "contents");
        assert_ok(unlink("mnt/directory/file"));
    }
    keeper_stop(workspace, keeper);
}

static int remove_file(void *argument)
{
    return unlink(argument);
}

static int replace_file(void *argument)
{
    return rename("mnt/other", argument);
}

/* Has the daemon close the descriptors that it need not keep. */
static void use_many_files(void)
{
    char path[64];

    for (int i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), "mnt/many%d", i);
        put_file(path, "");
    }
}

/* The request is carried out, and nobody waits for the answer: the client dies before it can be read again. */
static void lose_request(pid_t keeper, int (*make)(void *), void *argument)
{
    struct call call = { make, argument };
    struct coprocess client;

    pid_t worker = call_and_stop_process(keeper, EXECUTION, &call, &client);
    pid_t standby = keeper_standby(keeper);
    arm_point("after-resend");
    assert_ok(kill(worker, SIGKILL));
    await_stop(standby);
    assert_ok(kill(client.pid, SIGKILL));
    assert_int_equal(coprocess_end(&client), 128 + SIGKILL);
    assert_ok(kill(standby, SIGCONT));
}

/* Who has the file open, which has lost its name, goes on. */
static void client_dies_with_the_worker(const struct workspace *workspace, int (*make)(void *))
{
    char path[] = "mnt/file", bytes[8];

    pid_t keeper = start(workspace, false);
    put_file("mnt/other", "replaced");
    put_file(path, "contents");
    int fd = open_file(path, O_RDWR);
    char *mapping = map_shared(fd, 8);
    lose_request(keeper, make, path);
    use_many_files();
    assert_int_equal(fstat_of(fd).st_nlink, 0);
    assert_int_equal(pwrite(fd, "C", 1, 0), 1);
    assert_ok(fsync(fd));
    assert_int_equal(pread(fd, bytes, 8, 0), 8);
    assert_memory_equal(bytes, "Contents", 8);
    assert_memory_equal(mapping, "Contents", 8);
    assert_ok(ftruncate(fd, 4));
    assert_int_equal(size_of(fd), 4);
    if (make == replace_file)
        assert_content(path, "replaced");
    else
        assert_false(exists(path));
    unmap(mapping, 8);
    assert_ok(close(fd));
    assert_int_equal(read_status_number(workspace, "restarts"), 1);
    keeper_stop(workspace, keeper);
}

/* So does who could open it, and has not yet. */
static void path_stays_with_its_holder(const struct workspace *workspace, int (*make)(void *))
{
    char path[] = "mnt/file", again[32], bytes[8];

    pid_t keeper = start(workspace, false);
    put_file("mnt/other", "replaced");
    put_file(path, "contents");
    int path_fd = open_file(path, O_PATH);
    lose_request(keeper, make, path);
    use_many_files();
    snprintf(again, sizeof(again), "/proc/self/fd/%d", path_fd);
    int fd = open_file(again, O_RDWR);
    assert_int_equal(pread(fd, bytes, 8, 0), 8);
    assert_memory_equal(bytes, "contents", 8);
    assert_ok(close(fd));
    assert_ok(close(path_fd));
    keeper_stop(workspace, keeper);
}

static void path_stays_after_removal(void **state)
{
    path_stays_with_its_holder(workspace_of(state), remove_file);
}

static void path_stays_after_renaming(void **state)
{
    path_stays_with_its_holder(workspace_of(state), replace_file);
}

static void client_that_removes_dies_too(void **state)
{
    client_dies_with_the_worker(workspace_of(state), remove_file);
}

static void client_that_renames_dies_too(void **state)
{
    client_dies_with_the_worker(workspace_of(state), replace_file);
}

static int make_directory_at(void *argument)
{
    return mkdir(argument, 0755);
}

static int remove_directory(void *argument)
{
    return rmdir(argument);
}

static void names_are_changed_once(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char file[] = "mnt/file", directory[] = "mnt/directory";

    pid_t keeper = start(workspace, true);
    for (unsigned i = 0; i < POINTS; i++) {
        put_file(file, "");
        call_and_die(keeper, i, remove_file, file);
        assert_false(exists("store/file"));
        put_file("mnt/other", "replaced");
        put_file(file, "contents");
        call_and_die(keeper, i, replace_file, file);
        assert_content(file, "replaced");
        assert_content("store/file", "replaced");
        assert_false(exists("store/other"));
        call_and_die(keeper, i, make_directory_at, directory);
        assert_true(exists("store/directory"));
        call_and_die(keeper, i, remove_directory, directory);
        assert_false(exists("store/directory"));
    }
    keeper_stop(workspace, keeper);
}

static unsigned count_children(pid_t keeper)
{
    char path[64];
    unsigned count = 0;
    int pid;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)keeper, (int)keeper);
    FILE *children = fopen(path, "re");
    assert_non_null(children);
    while (fscanf(children, "%d", &pid) == 1)
        count++;
    fclose(children);
    return count;
}

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
        assert_int_equal(count_children(keeper), 2);
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
        assert_int_equal(count_children(keeper), 2);
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

/* Each of them ends three workers. Who is served at the same time is not to be refused for that. */
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

/* Who serves after whom. */
struct succession {
    pid_t keeper, before;
    pid_t *after;
};

static bool is_another(void *argument)
{
    const struct succession *succession = argument;

    *succession->after = keeper_child(succession->keeper, " serves ");
    return *succession->after != 0 && *succession->after != succession->before;
}

/* One that is served alone, because it was there when a worker crashed, has its worker killed for another reason: it has nothing
 * to answer for. */
static void death_while_served_alone(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[] = "mnt/directory";
    struct call call = { make_directory_at, path };
    struct coprocess client;

    pid_t keeper = start(workspace, false);
    pid_t worker = call_and_stop_process(keeper, EXECUTION, &call, &client);
    arm_point("before-record");
    assert_ok(kill(worker, SIGSEGV));
    assert_ok(kill(worker, SIGCONT));
    await_end(worker);
    await_true(is_another, &(struct succession){ keeper, worker, &worker }, "another worker");
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
    // None that holds many files without a name, or directories being read.
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

/* The worker is dead, and the next one has stopped before it serves anything. Returns the next one. */
static pid_t pause_takeover(pid_t keeper)
{
    pid_t worker = keeper_worker(keeper), standby = keeper_standby(keeper);

    arm_point("after-resend");
    kill_and_wait(worker);
    await_stop(standby);
    return standby;
}

static void unmounted_while_nobody_serves(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    pid_t keeper = start(workspace, true);
    put_file("mnt/file", "contents");
    pid_t next = pause_takeover(keeper);
    if (workspace->root)
        assert_ok(umount2(workspace->mnt, MNT_DETACH));
    else
        assert_int_equal(run_program("fusermount3", "-u", "-z", workspace->mnt, NULL).status, 0);
    assert_false(workspace_is_mounted(workspace->mnt));
    assert_ok(kill(next, SIGCONT));
    assert_int_equal(wait_for_process(keeper), 0);
    assert_int_equal(workspace_await_children(), 0);
    assert_content("store/file", "contents");
    // Nothing is left that would be in the way.
    keeper = keeper_start(workspace, &(struct keeper_settings){ .with_store = true });
    assert_content("mnt/file", "contents");
    keeper_stop(workspace, keeper);
}

static void ended_while_nobody_serves(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    pid_t keeper = start(workspace, true);
    put_file("mnt/file", "contents");
    pid_t next = pause_takeover(keeper);
    assert_ok(kill(keeper, SIGTERM));
    assert_ok(kill(next, SIGCONT));
    assert_int_equal(wait_for_process(keeper), 0);
    assert_int_equal(workspace_await_children(), 0);
    assert_false(workspace_is_mounted(workspace->mnt));
    assert_content("store/file", "contents");
}

static bool is_unmounted(void *argument)
{
    const struct workspace *workspace = argument;

    return !workspace_is_mounted(workspace->mnt);
}

/* Whoever is left takes the mount away, before he ends, too. */
static void await_good_end(struct workspace *workspace, pid_t standby)
{
    await_end(standby);
    if (!is_unmounted(workspace))
        fail_msg("a dead mount is left behind");
    // The keeper was killed; how the others end is their affair.
    assert_true(workspace_await_children() > 0);
}

static void keeper_dies_after_the_worker(void **state)
{
    struct workspace *workspace = workspace_of(state);

    pid_t keeper = keeper_start(workspace, &(struct keeper_settings){ .with_store = true });
    pid_t worker = keeper_worker(keeper), standby = keeper_standby(keeper);
    stop_process(keeper); // it does not replace the worker any more
    kill_and_wait(worker);
    assert_ok(kill(keeper, SIGKILL));
    await_good_end(workspace, standby);
}

static void keeper_and_worker_die_at_once(void **state)
{
    struct workspace *workspace = workspace_of(state);

    for (int i = 0; i < TIMES; i++) {
        pid_t keeper = keeper_start(workspace, &(struct keeper_settings){ .with_store = true });
        pid_t worker = keeper_worker(keeper), standby = keeper_standby(keeper);
        assert_ok(kill(keeper, SIGKILL));
        assert_ok(kill(worker, SIGKILL));
        await_good_end(workspace, standby);
    }
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(whiteout_is_left_once),
    cmocka_unit_test(attributes_are_set_and_removed_once),
    cmocka_unit_test(classes_are_set_and_unset_once),
    cmocka_unit_test(names_are_changed_once),
    cmocka_unit_test(client_that_removes_dies_too),
    cmocka_unit_test(client_that_renames_dies_too),
    cmocka_unit_test(path_stays_after_removal),
    cmocka_unit_test(path_stays_after_renaming),
    cmocka_unit_test(standby_dies_before_it_begins),
    cmocka_unit_test(both_workers_die_at_once),
    cmocka_unit_test(innocents_are_served),
    cmocka_unit_test(death_while_served_alone),
    cmocka_unit_test(few_descriptors),
    cmocka_unit_test(unmounted_while_nobody_serves),
    cmocka_unit_test(ended_while_nobody_serves),
    cmocka_unit_test(keeper_dies_after_the_worker),
    cmocka_unit_test(keeper_and_worker_die_at_once),
};

WORKSPACE_MAIN("takeover", cases)
