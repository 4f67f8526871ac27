// SPDX-License-Identifier: BSD-2-Clause
/* The option takeover: a service manager starts a daemon where the mount of the last one lives
 * on. */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/keeper/service_manager.h"
#include "tests/mount/keeper/surviving_mount.h"
#include "tests/mount/load/load_kinds.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { RESTARTS = 10, PERIOD = 1000000 };

/* Everything that a restart must leave as it is: an open file, a mapping, a lock, a file without a
 * name. */
static void restart_keeps_what_is_in_use(void **state)
{
    struct service_manager manager = service_manager_listen(workspace_of(state));
    char byte;

    set_watchdog_period(PERIOD);
    pid_t keeper = start_new_service(&manager);
    put_file("mnt/file", "contents");
    int fd = open_file("mnt/file", O_RDWR);
    char *mapping = map_shared(fd, 8);
    assert_ok(flock(fd, LOCK_EX));
    int nameless = open_file("mnt/nameless", O_RDWR | O_CREAT);
    assert_ok(unlink("mnt/nameless"));

    pid_t next = pass_on_mount(&manager, keeper);
    mapping[0] = 'C';
    assert_content("mnt/file", "Contents");
    hear_nothing_from(&manager, next);
    assert_true(strchr(restart_service(&manager, shmapfs(), next).text, 'S') == NULL);
    await_pings(&manager, next);
    assert_int_equal(read_status_number(manager.workspace, "upgrades"), 1);
    assert_int_equal(read_status_number(manager.workspace, "restarts"), 0);

    assert_int_equal(pwrite(fd, "K", 1, 7), 1);
    assert_int_equal(mapping[7], 'K');
    int other = open_file("mnt/file", O_RDONLY);
    assert_errno(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    assert_ok(close(other));
    assert_int_equal(pwrite(nameless, "x", 1, 0), 1);
    assert_int_equal(pread(nameless, &byte, 1, 0), 1);
    assert_ok(close(nameless));
    unmap(mapping, 8);
    assert_ok(close(fd));
    stop_service(&manager, next);
    assert_content("store/file", "ContentK");
}

static bool has_its_name_again(void *keeper)
{
    return has_name(*(pid_t *)keeper, "shmapfs");
}

/* systemd warns of processes that outlive their service unless their names begin with a
 * parenthesis; of the service's own it wants to know. */
static void processes_left_on_purpose_are_marked(void **state)
{
    struct service_manager manager = service_manager_listen(workspace_of(state));

    pid_t keeper = start_new_service(&manager);
    keeper = pass_on_mount(&manager, keeper);
    put_file("mnt/file", "contents");
    assert_true(has_name(keeper, "(shmapfs)"));
    assert_true(has_name((pid_t)read_status_number(manager.workspace, "pid"), "(shmapfs)"));
    restart_service(&manager, binary_in("SHMAPFS_ALIEN"), keeper);
    await_true(has_its_name_again, &keeper, "the keeper's own name");
    stop_service(&manager, keeper);
}

enum { MIB = 1 << 20 };

/* Restarts with options, and returns the size of the RAM area from then on. */
static int64_t size_after(const struct service_manager *manager, pid_t *keeper, const char *options)
{
    char line[64];

    *keeper = pass_on_mount(manager, *keeper);
    pid_t pid = start_service(manager, shmapfs(), options);
    snprintf(line, sizeof(line), "MAINPID=%d", (int)*keeper);
    await_message(manager, line);
    assert_int_equal(wait_for_process(pid), 0);
    return read_status_number(manager->workspace, "ram_area.size");
}

static void changed_options_take_effect_or_are_named(void **state)
{
    struct service_manager manager = service_manager_listen(workspace_of(state));

    pid_t keeper = start_new_service(&manager);
    assert_int_equal(size_after(&manager, &keeper, "size=4m"), 4 * MIB);
    // Without the word the mount keeps what it has.
    assert_int_equal(size_after(&manager, &keeper, "nr_inodes=1k"), 4 * MIB);
    // Options that cannot be had are named, and nothing else happens.
    assert_ok(mkdir("mnt/scratch", 0755));
    struct program_result result = run_program(shmapctl(), "class", "mnt/scratch", "anon", NULL);
    assert_done(&result);
    int fd = open_file("mnt/scratch/file", O_RDWR | O_CREAT);
    assert_ok(posix_fallocate(fd, 0, 2 * MIB));
    assert_ok(close(fd));
    assert_int_equal(size_after(&manager, &keeper, "size=1m"), 4 * MIB);
    assert_true(log_says("less than what is in use"));
    assert_int_equal(size_after(&manager, &keeper, "size=3m,io_uring,keeper"), 4 * MIB);
    assert_true(log_says("'io_uring'"));
    stop_service(&manager, keeper);
}

/* Containers have others of the same filesystem. */
static void one_mount_that_is_read_only_stays_alone(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct service_manager manager = service_manager_listen(workspace);
    struct statvfs vfs;

    if (!workspace->root)
        return;
    pid_t keeper = start_new_service(&manager);
    assert_ok(mkdir("other", 0755));
    assert_ok(mount("mnt", "other", NULL, MS_BIND, NULL));
    assert_ok(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    assert_int_equal(size_after(&manager, &keeper, "rw,size=4m"), 4 * MIB);
    assert_int_equal(size_after(&manager, &keeper, "ro,size=8m"), 8 * MIB);
    assert_ok(statvfs("mnt", &vfs));
    assert_true(vfs.f_flag & ST_RDONLY);
    put_file("other/file", "contents");
    assert_ok(umount("other"));
    stop_service(&manager, keeper);
}

static void restarts_under_load(void **state)
{
    struct service_manager manager = service_manager_listen(workspace_of(state));
    const char *binaries[] = { binary_in("SHMAPFS_NEXT"), shmapfs() };

    set_watchdog_period(30000000);
    pid_t keeper = start_new_service(&manager);
    assert_ok(mkdir("mnt/load", 0755));
    struct load *load = load_start("mnt/load", load_everything, (uint64_t)time(NULL));
    assert_non_null(load);
    assert_int_equal(load_run(load), 0);
    for (int i = 0; i < RESTARTS; i++) {
        assert_int_equal(load_await_calls(load, 500), 0);
        keeper = pass_on_mount(&manager, keeper);
        assert_int_equal(load_await_calls(load, 500), 0);
        hear_nothing_from(&manager, keeper);
        restart_service(&manager, binaries[i % 2], keeper);
    }
    assert_int_equal(load_await_calls(load, 500), 0);
    assert_int_equal(load_rest(load), 0);
    struct load_figures figures = load_stop(load);
    assert_int_equal(figures.failed, 0);
    assert_int_equal(figures.different, 0);
    assert_int_equal(read_status_number(manager.workspace, "upgrades"), RESTARTS);
    assert_int_equal(read_status_number(manager.workspace, "restarts"), 0);
    stop_service(&manager, keeper);
}

static void mount_that_refuses_the_upgrade_is_adopted(void **state)
{
    struct service_manager manager = service_manager_listen(workspace_of(state));

    pid_t keeper = start_new_service(&manager);
    put_file("mnt/file", "contents");
    keeper = pass_on_mount(&manager, keeper);
    struct service_message message = restart_service(&manager, binary_in("SHMAPFS_ALIEN"), keeper);
    assert_non_null(strstr(message.text, "\nSTATUS="));
    assert_non_null(strstr(message.text, "layout"));
    assert_true(log_says("could not be upgraded"));
    assert_int_equal(read_status_number(manager.workspace, "upgrades"), 0);
    assert_content("mnt/file", "contents");
    stop_service(&manager, keeper);
}

/* All processes of the mount die at once: stopped, none of them sees the end of another. */
static void kill_all(pid_t keeper)
{
    pid_t workers[CHILDREN_MOST];

    stop_process(keeper);
    int count = children_of(keeper, workers);
    assert_true(count > 0);
    for (int i = 0; i < count; i++)
        stop_process(workers[i]);
    // The keeper comes last: its end would continue the workers.
    while (count > 0)
        assert_ok(kill(workers[--count], SIGKILL));
    assert_ok(kill(keeper, SIGKILL));
    assert_int_equal(wait_for_process(keeper), 128 + SIGKILL);
}

static void dead_mount_is_replaced(void **state)
{
    struct service_manager manager = service_manager_listen(workspace_of(state));

    pid_t keeper = start_new_service(&manager);
    put_file("mnt/file", "contents");
    kill_all(keeper);
    assert_true(workspace_await_children() >= 0);
    assert_true(workspace_is_mounted(manager.workspace->mnt));
    assert_errno(open("mnt/file", O_RDONLY), ENOTCONN);
    keeper = start_new_service(&manager);
    assert_content("mnt/file", "contents");
    assert_true(log_says("was taken away"));
    stop_service(&manager, keeper);
}

static void mount_without_a_keeper_is_not_adopted(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "nokeeper");
    struct program_result result =
        run_program(shmapfs(), "-f", workspace->mnt, "-o", "keeper,takeover", NULL);
    assert_refused(&result, 1, workspace->mnt, "without a keeper", "unmount", NULL);
    assert_true(workspace_is_mounted(workspace->mnt));
    workspace_unmount(workspace);
}

/* Only root can have the file that tells of a process's control groups look otherwise. */
static void mount_of_another_service_is_not_adopted(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[64];

    if (!workspace->root)
        return;
    workspace_mount(workspace, true, "");
    need_survival(workspace);
    struct mount_status status = mount_status_of(workspace);
    snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)status.keeper);
    put_file("cgroup", "0::/system.slice/another.service\n");
    assert_ok(mount("cgroup", path, NULL, MS_BIND, NULL));
    struct program_result result =
        run_program(shmapfs(), "-f", workspace->mnt, "-o", "keeper,takeover", NULL);
    assert_ok(umount(path));
    assert_refused(&result, 1, workspace->mnt, "not of this service", "unmount", NULL);
    assert_int_equal(mount_status_of(workspace).pid, status.pid);
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(restart_keeps_what_is_in_use),
    cmocka_unit_test(processes_left_on_purpose_are_marked),
    cmocka_unit_test(changed_options_take_effect_or_are_named),
    cmocka_unit_test(one_mount_that_is_read_only_stays_alone),
    cmocka_unit_test(restarts_under_load),
    cmocka_unit_test(mount_that_refuses_the_upgrade_is_adopted),
    cmocka_unit_test(dead_mount_is_replaced),
    cmocka_unit_test(mount_without_a_keeper_is_not_adopted),
    cmocka_unit_test(mount_of_another_service_is_not_adopted),
};

WORKSPACE_MAIN("takeover", cases)
