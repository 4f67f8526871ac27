// SPDX-License-Identifier: BSD-2-Clause
/* Users' mounts whose files the broker passes through, when workers, binaries and the broker end at
 * any moment. */
#include "tests/mount/cases/broker/broker_service.h"
#include "tests/mount/cases/broker/brokered_mount.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"
#include "tests/mount/keeper/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILES = 40, DEATHS = 8, LEAST_CALLS = 100 };

/* Registers one file after the other until it is told to end. */
static int open_files(struct coprocess *parent, void *unused)
{
    char path[64];

    (void)unused;
    coprocess_check(setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
                    setresuid(NOBODY, NOBODY, NOBODY) == 0);
    coprocess_check(coprocess_give_turn(parent));
    for (int i = 0; i < LEAST_CALLS || access("mnt/end", F_OK) != 0; i++) {
        snprintf(path, sizeof(path), "mnt/load%d", i % FILES);
        int result = use_file(path);
        if (result != 0)
            fprintf(stderr, "%s: %s\n", path, strerror(result));
        coprocess_check(result == 0);
        coprocess_check(unlink(path) == 0);
    }
    return 0;
}

/* Deaths with the daemon and the options given; the client is not to notice. */
static void die_often(const struct workspace *workspace, int deaths,
                      void (*kill_one)(pid_t *broker), pid_t *broker)
{
    struct coprocess client;

    mount_as_nobody(workspace, false, "size=64m");
    assert_int_equal(coprocess_start(&client, open_files, NULL), 0);
    assert_true(coprocess_await_turn(&client));
    for (int i = 0; i < deaths; i++) {
        struct served served = served_by(workspace);
        if (kill_one)
            kill_one(broker);
        else
            kill_and_wait(served.worker);
    }
    assert_int_equal(as(NOBODY, create_file, "mnt/end"), 0);
    assert_coprocess_succeeds(&client);
}

static void workers_are_killed(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    broker_prepare();
    pid_t broker = broker_start("--files=200");
    die_often(workspace, DEATHS, NULL, NULL);
    // Nothing is left registered for whom it is of no use.
    use_files("after", FILES);
    assert_passed_through("mnt/after1");
    unmount_as_nobody(workspace);
    broker_stop(broker);
}

static void workers_die_at_points(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    const char *usual = shmapfs();

    broker_prepare();
    pid_t broker = broker_start("--files=200");
    assert_ok(setenv("SHMAPFS", getenv("SHMAPFS_FAULTS"), 1));
    assert_ok(setenv("SHMAPFS_FAULT", "all:40", 1));
    die_often(workspace, 0, NULL, NULL);
    use_files("after", FILES);
    assert_true(served_by(workspace).restarts > 0);
    unmount_as_nobody(workspace);
    assert_ok(unsetenv("SHMAPFS_FAULT"));
    assert_ok(setenv("SHMAPFS", usual, 1));
    broker_stop(broker);
}

/* Kills the process that serves the mount, or starts another broker in the place of the first. */
static void kill_some_of_the_broker(pid_t *broker)
{
    pid_t children[CHILDREN_MOST];

    if (children_of(*broker, children) > 0)
        kill_and_wait(children[0]);
    kill_and_wait(*broker);
    *broker = broker_start(NULL);
}

static void brokers_are_killed(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    broker_prepare();
    pid_t broker = broker_start(NULL);
    die_often(workspace, DEATHS, kill_some_of_the_broker, &broker);
    unmount_as_nobody(workspace);
    broker_stop(broker);
}

static void another_binary_goes_on(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    struct coprocess client;

    broker_prepare();
    pid_t broker = broker_start(NULL);
    mount_as_nobody(workspace, false, "size=64m");
    assert_int_equal(coprocess_start(&client, open_files, NULL), 0);
    assert_true(coprocess_await_turn(&client));
    for (int i = 0; i < 4; i++) {
        const char *binary = i % 2 == 0 ? getenv("SHMAPFS_NEXT") : shmapfs();
        struct program_result result =
            run_as(NOBODY, shmapctl(), "upgrade", workspace->mnt, binary, NULL);
        assert_done(&result);
        assert_true(is_brokered(workspace));
    }
    assert_says(workspace, "4 upgrades");
    assert_int_equal(as(NOBODY, create_file, "mnt/end"), 0);
    assert_coprocess_succeeds(&client);
    assert_passed_through("mnt/after");
    unmount_as_nobody(workspace);
    broker_stop(broker);
}

static const struct CMUnitTest CASES[] = {
    cmocka_unit_test(workers_are_killed),
    cmocka_unit_test(workers_die_at_points),
    cmocka_unit_test(brokers_are_killed),
    cmocka_unit_test(another_binary_goes_on),
};

WORKSPACE_MAIN("broker_deaths", CASES)
