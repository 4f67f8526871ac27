// SPDX-License-Identifier: BSD-2-Clause
// All that was written to the store is on its disk, and not only in the kernel's memory, when the
// daemon has ended, and when `shmapctl sync` returns.
#include "tests/mount/cases/commands/shmapctl_run.h"
#include "tests/mount/cases/mounting/store_contents.h"
#include "tests/mount/cases/mounting/unwritten.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LENGTH = 4 << 20 };

/* Writes to two files, one by write(2), one through a mapping that is kept. */
static char *write_both(void)
{
    char block[4096];

    memset(block, 'w', sizeof(block));
    int fd = new_file("mnt/written", 0);
    for (int i = 0; i < LENGTH / (int)sizeof(block); i++)
        assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
    assert_ok(close(fd));
    assert_ok(close(new_file("mnt/mapped", LENGTH)));
    char *mapping = map_path("mnt/mapped", LENGTH);
    assert_non_null(mapping);
    memset(mapping, 'm', LENGTH);
    return mapping;
}

static void assert_holds(const char *path, char byte)
{
    char *mapping = map_path(path, LENGTH);

    assert_non_null(mapping);
    assert_true(all_bytes(mapping, LENGTH, byte));
    unmap(mapping, LENGTH);
}

static void assert_synced(void)
{
    assert_int_equal(unwritten_pages("store/written"), 0);
    assert_int_equal(unwritten_pages("store/mapped"), 0);
    assert_holds("store/written", 'w');
    assert_holds("store/mapped", 'm');
}

static void unmount_only(const struct workspace *workspace)
{
    if (workspace->root) {
        assert_ok(umount2(workspace->mnt, 0));
    } else {
        struct program_result result = run_program("fusermount3", "-u", workspace->mnt, NULL);
        assert_done(&result);
    }
}

static const char *const PROCESSES[] = { "", "nokeeper" };
enum { PROCESSES_COUNT = sizeof(PROCESSES) / sizeof(PROCESSES[0]) };

static void when_a_signal_has_ended_the_daemon(void **state)
{
    struct workspace *workspace = workspace_of(state);

    for (int i = 0; i < PROCESSES_COUNT; i++) {
        workspace_mount(workspace, true, PROCESSES[i]);
        char *mapping = write_both();
        assert_ok(kill(daemon_of(workspace), SIGTERM));
        assert_int_equal(workspace_await_children(), 0);
        assert_synced();
        unmap(mapping, LENGTH);
        assert_ok(unlink("store/written"));
        assert_ok(unlink("store/mapped"));
    }
}

static void when_the_daemon_of_an_unmounted_one_has_ended(void **state)
{
    struct workspace *workspace = workspace_of(state);

    for (int i = 0; i < PROCESSES_COUNT; i++) {
        workspace_mount(workspace, true, PROCESSES[i]);
        unmap(write_both(), LENGTH);
        unmount_only(workspace);
        assert_int_equal(workspace_await_children(), 0);
        assert_synced();
        assert_ok(unlink("store/written"));
        assert_ok(unlink("store/mapped"));
    }
}

static void when_the_store_is_mounted_again(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    unmap(write_both(), LENGTH);
    unmount_only(workspace);
    workspace_mount(workspace, true, "");
    assert_synced();
    workspace_unmount(workspace);
}

/* The worker may die while the mount ends, or its keeper. */
static void although_the_keeper_was_killed(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    char *mapping = write_both();
    pid_t keeper = (pid_t)read_status_number(workspace, "keeper");
    assert_ok(kill(keeper, SIGKILL));
    workspace_await_children();
    assert_synced();
    unmap(mapping, LENGTH);
}

static void when_a_run_returns(void **state)
{
    struct workspace *workspace = begin_run(state);
    struct program_result result = run_script(
        workspace, workspace->store, "head -c 4194304 /dev/zero | tr '\\0' w >/dev/shm/written");

    assert_ended(&result, 0, "");
    assert_int_equal(unwritten_pages("store/written"), 0);
    assert_holds("store/written", 'w');
}

/* Holds the lock of the store as a daemon does that syncs it. */
static void lock_as_ending(int locks[2])
{
    struct flock mark = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1 };

    assert_ok(mkdir("store/.shmapfs", 0700));
    locks[0] = open("store/.shmapfs/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    locks[1] = open("store", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        assert_ok(locks[i]);
        assert_ok(flock(locks[i], LOCK_EX));
    }
    assert_ok(fcntl(locks[1], F_OFD_SETLK, &mark));
}

/* The next mount waits however long that takes, and says what for. */
static void a_slow_disk_is_waited_for(void **state)
{
    struct workspace *workspace = workspace_of(state);
    int ends[2], locks[2];
    char said[1024];

    lock_as_ending(locks);
    assert_ok(pipe(ends));
    fflush(NULL);
    pid_t mounting = fork();
    if (mounting == 0) {
        dup2(ends[1], STDERR_FILENO);
        close_range(STDERR_FILENO + 1, ~0U, 0);
        execl(shmapfs(), "shmapfs", workspace->store, workspace->mnt, NULL);
        _exit(EXIT_FAILURE);
    }
    assert_ok(mounting);
    assert_ok(close(ends[1]));
    read_line(ends[0], said, sizeof(said));
    assert_non_null(strstr(said, "still writes it to the disk"));
    assert_int_equal(waitpid(mounting, NULL, WNOHANG), 0);
    assert_ok(close(locks[0]));
    assert_ok(close(locks[1]));
    assert_int_equal(wait_for_process(mounting), 0);
    assert_ok(close(ends[0]));
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(when_a_signal_has_ended_the_daemon),
    cmocka_unit_test(when_the_daemon_of_an_unmounted_one_has_ended),
    cmocka_unit_test(when_the_store_is_mounted_again),
    cmocka_unit_test(although_the_keeper_was_killed),
    cmocka_unit_test(when_a_run_returns),
    cmocka_unit_test(a_slow_disk_is_waited_for),
};

WORKSPACE_MAIN("synced", cases)
