// SPDX-License-Identifier: BSD-2-Clause
/*
 * The talk of the daemon and its service manager (keeper/service_manager.h): that it is ready,
 * lives and stops; and signals.
 */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/keeper/service_manager.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

enum { STUCK_PERIOD = 4000000, PERIOD = 1000000 };

static void ready_and_stopping(void **state)
{
    struct service_manager manager = service_manager_listen(workspace_of(state));
    struct service_message message;

    pid_t keeper = start_new_service(&manager);
    put_file("mnt/file", "contents");
    assert_ok(kill(keeper, SIGTERM));
    assert_int_equal(await_message(&manager, "STOPPING=1").from, keeper);
    assert_int_equal(wait_for_process(keeper), 0);
    // The manager has not asked for pings.
    assert_false(hear_message(&manager, false, &message));
    assert_false(workspace_is_mounted(manager.workspace->mnt));
    assert_content("store/file", "contents");
    assert_int_equal(workspace_await_children(), 0);
    service_manager_close(&manager);
}

static void ready_without_a_keeper(void **state)
{
    struct service_manager manager = service_manager_listen(workspace_of(state));

    set_watchdog_period(PERIOD);
    pid_t pid = start_service(&manager, shmapfs(), "nokeeper");
    struct service_message message = await_message(&manager, "READY=1");
    // The manager must not wait for what will not come.
    assert_true(message_says(&message, "WATCHDOG_USEC=0"));
    assert_int_equal(message.from, pid);
    put_file("mnt/file", "contents");
    // There is nobody to pass it on to.
    assert_ok(kill(pid, SIGUSR1));
    assert_int_equal(wait_for_process(pid), 0);
    assert_false(workspace_is_mounted(manager.workspace->mnt));
    assert_content("store/file", "contents");
    service_manager_close(&manager);
}

static void watchdog_is_fed(void **state)
{
    struct service_manager manager = service_manager_listen(workspace_of(state));

    set_watchdog_period(PERIOD);
    pid_t keeper = start_new_service(&manager);
    await_pings(&manager, keeper);
    assert_int_equal(read_status_number(manager.workspace, "restarts"), 0);
    stop_service(&manager, keeper);
}

static void stuck_worker_is_replaced(void **state)
{
    struct service_manager manager = service_manager_listen(workspace_of(state));

    set_watchdog_period(STUCK_PERIOD);
    pid_t keeper = start_new_service(&manager);
    put_file("mnt/file", "contents");
    int fd = open_file("mnt/file", O_RDWR);
    int64_t worker = read_status_number(manager.workspace, "pid");
    stop_process((pid_t)worker);
    // All of this waits for the next one.
    put_file("mnt/other", "contents");
    assert_content("mnt/file", "contents");
    assert_int_equal(pwrite(fd, "C", 1, 0), 1);
    assert_ok(close(fd));
    assert_content("mnt/file", "Contents");
    assert_int_not_equal(read_status_number(manager.workspace, "pid"), worker);
    assert_int_equal(read_status_number(manager.workspace, "restarts"), 1);
    assert_int_equal(read_status_number(manager.workspace, "keeper"), keeper);
    assert_true(log_says("did not answer"));
    await_pings(&manager, keeper);
    stop_service(&manager, keeper);
}

static void hangup_upgrades(void **state)
{
    struct service_manager manager = service_manager_listen(workspace_of(state));

    set_watchdog_period(PERIOD);
    pid_t keeper = start_new_service(&manager);
    int64_t worker = read_status_number(manager.workspace, "pid");
    put_file("mnt/file", "contents");
    int fd = open_file("mnt/file", O_RDONLY);
    assert_ok(flock(fd, LOCK_EX));
    assert_ok(kill(keeper, SIGHUP));
    while (read_status_number(manager.workspace, "upgrades") == 0)
        sched_yield();
    assert_int_equal(read_status_number(manager.workspace, "keeper"), keeper);
    assert_int_not_equal(read_status_number(manager.workspace, "pid"), worker);
    await_pings(&manager, keeper);
    int other = open_file("mnt/file", O_RDONLY);
    assert_errno(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    assert_ok(close(other));
    assert_ok(close(fd));
    stop_service(&manager, keeper);
}

/* The manager may have been told to watch since the keeper was started. */
static void watchdog_that_came_later_is_fed(void **state)
{
    struct service_manager manager = service_manager_listen(workspace_of(state));

    pid_t keeper = start_new_service(&manager);
    keeper = pass_on_mount(&manager, keeper);
    set_watchdog_period(PERIOD);
    restart_service(&manager, shmapfs(), keeper);
    await_pings(&manager, keeper);
    // The next binary has to know of it, too.
    struct program_result result = run_program(shmapctl(), "upgrade", manager.workspace->mnt, NULL);
    assert_done(&result);
    await_pings(&manager, keeper);
    stop_service(&manager, keeper);
}

/* In the background it is not the daemon's service that the environment speaks of. */
static void in_the_background_nobody_is_told(void **state)
{
    struct service_manager manager = service_manager_listen(workspace_of(state));
    struct service_message message;

    set_watchdog_period(PERIOD);
    workspace_mount(manager.workspace, true, "takeover");
    put_file("mnt/file", "contents");
    workspace_unmount(manager.workspace);
    assert_false(hear_message(&manager, false, &message));
    service_manager_close(&manager);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(ready_and_stopping),
    cmocka_unit_test(ready_without_a_keeper),
    cmocka_unit_test(watchdog_is_fed),
    cmocka_unit_test(stuck_worker_is_replaced),
    cmocka_unit_test(hangup_upgrades),
    cmocka_unit_test(watchdog_that_came_later_is_fed),
    cmocka_unit_test(in_the_background_nobody_is_told),
};

WORKSPACE_MAIN("service_notify", cases)
