// SPDX-License-Identifier: BSD-2-Clause
/* The mount ends, or the keeper dies, while no worker serves. */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/crashpoint.h"
#include "tests/mount/keeper/interrupted_call.h"
#include "tests/mount/keeper/keeper.h"

#include <signal.h>
#include <sys/mount.h>

enum { TIMES = 10 };

/* The worker is dead, and the next one has stopped before it serves anything. Returns the next
 * one. */
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

    pid_t keeper = keeper_start_with_crashpoints(workspace, true);
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

    pid_t keeper = keeper_start_with_crashpoints(workspace, true);
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

/* The process that is left takes the mount away, before it ends, too. */
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
    cmocka_unit_test(unmounted_while_nobody_serves),
    cmocka_unit_test(ended_while_nobody_serves),
    cmocka_unit_test(keeper_dies_after_the_worker),
    cmocka_unit_test(keeper_and_worker_die_at_once),
};

WORKSPACE_MAIN("recovery_keeper", cases)
