// SPDX-License-Identifier: BSD-2-Clause
/* How a mount begins and ends: what is ready when the command returns, and what each way to end
 * leaves. */
#include "tests/mount/cases/mounting/store_contents.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void ready_when_the_command_returns(void **state)
{
    struct workspace *workspace = workspace_of(state);

    for (int i = 0; i < 10; i++) {
        workspace_mount(workspace, i % 2, "");
        put_file("mnt/file", "contents");
        assert_content("mnt/file", "contents");
        assert_ok(unlink("mnt/file"));
        workspace_unmount(workspace);
    }
}

/* A script that reads what the command writes must not wait for the daemon. */
static void daemon_holds_no_descriptor_of_its_starter(void **state)
{
    struct workspace *workspace = workspace_of(state);
    int ends[2];

    assert_ok(pipe2(ends, O_CLOEXEC));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execl(shmapfs(), "shmapfs", workspace->mnt, NULL);
        _exit(127);
    }
    assert_ok(close(ends[1]));
    assert_int_equal(wait_for_process(pid), 0);
    struct pollfd event = { .fd = ends[0], .events = POLLIN };
    char byte;
    assert_int_equal(poll(&event, 1, WAIT_SECONDS * 1000), 1);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    assert_ok(close(ends[0]));
    workspace_unmount(workspace);
}

/* The daemon leaves its starter's directory, session and terminal alone. */
static void daemon_is_on_its_own(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char path[64], directory[PATH_MAX];

    workspace_mount(workspace, true, "");
    pid_t pid = daemon_of(workspace);
    assert_true(getsid(pid) != getsid(0));
    snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
    ssize_t length = readlink(path, directory, sizeof(directory) - 1);
    assert_ok(length);
    directory[length] = '\0';
    assert_string_equal(directory, "/");
    workspace_unmount(workspace);
}

static void ends_by_umount(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    leave_dirty_data();
    workspace_unmount(workspace);
    assert_store_is_complete();
}

static void ends_by_fusermount(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    leave_dirty_data();
    struct program_result result = run_program("fusermount3", "-u", workspace->mnt, NULL);
    assert_done(&result);
    assert_int_equal(workspace_await_children(), 0);
    assert_store_is_complete();
}

static void ends_by_signal(struct workspace *workspace, int signal)
{
    workspace_mount(workspace, true, "");
    leave_dirty_data();
    assert_ok(kill(daemon_of(workspace), signal));
    assert_int_equal(workspace_await_children(), 0);
    assert_false(workspace_is_mounted(workspace->mnt));
    assert_store_is_complete();
}

static void ends_by_sigterm(void **state)
{
    ends_by_signal(workspace_of(state), SIGTERM);
}

static void ends_by_sigint(void **state)
{
    ends_by_signal(workspace_of(state), SIGINT);
}

static int write_until_told(struct coprocess *parent, void *argument)
{
    (void)argument;
    int fd = open("mnt/file", O_RDWR | O_CREAT | O_APPEND, 0644);
    coprocess_check(fd != -1);
    char *mapping = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    coprocess_check(mapping != MAP_FAILED);
    coprocess_check(write(fd, "contents", 8) == 8);
    coprocess_check(fsync(fd) == 0);
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(coprocess_await_turn(parent));
    return 0;
}

/* A mount that is in use cannot be unmounted, and goes on. */
static void busy_mount_stays(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, true, "");
    assert_int_equal(coprocess_start(&coprocess, write_until_told, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    struct program_result result = run_program("fusermount3", "-u", workspace->mnt, NULL);
    assert_true(result.status != 0);
    assert_content("mnt/file", "contents");
    assert_true(coprocess_give_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
    workspace_unmount(workspace);
}

/* A signal ends it even then; programs that use it get errors, and the store has what they had
 * written, synced or not. */
static void signal_ends_a_busy_mount(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, true, "");
    assert_int_equal(coprocess_start(&coprocess, write_until_told, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    char *mapping = map_path("mnt/file", 8);
    assert_non_null(mapping);
    mapping[0] = 'C';
    assert_ok(kill(daemon_of(workspace), SIGTERM));
    assert_true(coprocess_give_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
    assert_int_equal(workspace_await_children(), 0);
    assert_false(workspace_is_mounted(workspace->mnt));
    assert_content("store/file", "Contents");
    unmap(mapping, 8);
}

static void serve_in_foreground_until(int signal, const struct workspace *workspace)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        execl(shmapfs(), "shmapfs", "-f", workspace->mnt, NULL);
        _exit(127);
    }
    FILE *mounts = fopen("/proc/self/mounts", "re");
    assert_non_null(mounts);
    struct pollfd changed = { .fd = fileno(mounts), .events = POLLPRI };
    while (!workspace_is_mounted(workspace->mnt))
        assert_int_equal(poll(&changed, 1, WAIT_SECONDS * 1000), 1);
    fclose(mounts);
    put_file("mnt/file", "contents");
    assert_ok(kill(pid, signal));
    assert_int_equal(wait_for_process(pid), 0);
    assert_false(workspace_is_mounted(workspace->mnt));
}

static void in_the_foreground(void **state)
{
    // The end of the last thread and that of the process race: often enough to meet both orders.
    for (int i = 0; i < 20; i++)
        serve_in_foreground_until(i % 2 ? SIGINT : SIGTERM, workspace_of(state));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(ready_when_the_command_returns),
    cmocka_unit_test(daemon_holds_no_descriptor_of_its_starter),
    cmocka_unit_test(daemon_is_on_its_own),
    cmocka_unit_test(ends_by_umount),
    cmocka_unit_test(ends_by_fusermount),
    cmocka_unit_test(ends_by_sigterm),
    cmocka_unit_test(ends_by_sigint),
    cmocka_unit_test(busy_mount_stays),
    cmocka_unit_test(signal_ends_a_busy_mount),
    cmocka_unit_test(in_the_foreground),
};

WORKSPACE_MAIN("life", cases)
