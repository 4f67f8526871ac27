// SPDX-License-Identifier: BSD-2-Clause
/*
 * Stores through a mapping for which the area has no room. The kernel itself ends the process with
 * SIGBUS where it stores to the area's own pages. Where it keeps the pages for the daemon, they are
 * lost when they are written back: then all who ask hear of it, however often.
 */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/process.h"
#include "tests/mount/keeper/surviving_mount.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NOTHING_LOST = 2 };
enum { PAGE = 4096, PAGES = 4096, BYTES = PAGES * PAGE };

static sigjmp_buf before_fault;

static void on_fault(int signal)
{
    (void)signal;
    siglongjmp(before_fault, 1);
}

/* Returns whether all pages could be filled; otherwise there was a SIGBUS. */
static bool fill(char *mapping)
{
    bool filled = false;

    signal(SIGBUS, on_fault);
    if (sigsetjmp(before_fault, 1) == 0) {
        for (size_t page = 0; page < PAGES; page++)
            memset(mapping + page * PAGE, 'x', PAGE);
        filled = true;
    }
    signal(SIGBUS, SIG_DFL);
    return filled;
}

/* Counts the pages that can be read; each must be what was stored. Returns -1 if one is not. */
static int count_whole(int fd)
{
    char page[PAGE], stored[PAGE];
    int whole = 0;

    memset(stored, 'x', PAGE);
    for (off_t at = 0; at < BYTES; at += PAGE) {
        ssize_t got = pread(fd, page, PAGE, at);
        if (got == PAGE && memcmp(page, stored, PAGE) != 0)
            return -1;
        whole += got == PAGE;
    }
    return whole;
}

static int store_too_much(struct coprocess *parent, void *argument)
{
    pid_t *worker = argument;
    int fd = open("mnt/file", O_RDWR | O_CREAT, 0644);

    (void)parent;
    coprocess_check(fd >= 0 && ftruncate(fd, BYTES) == 0);
    char *mapping = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    coprocess_check(mapping != MAP_FAILED);
    bool filled = fill(mapping);
    bool synced = msync(mapping, BYTES, MS_SYNC) == 0;
    if (!filled && synced)
        return NOTHING_LOST;
    coprocess_check(!synced);
    // Another worker knows it, too.
    coprocess_check(*worker == 0 || kill(*worker, SIGKILL) == 0);
    for (int i = 0; i < 3; i++)
        coprocess_check(fsync(fd) == -1);
    coprocess_check(munmap(mapping, BYTES) == 0);
    coprocess_check(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
    int whole = count_whole(fd);
    coprocess_check(whole > 0 && whole < PAGES);
    return EXIT_SUCCESS;
}

/* Lost data is not passed over as a hole, and not copied as zeros. */
static void assert_copies_hear_of_it(void)
{
    int fd = open_file("mnt/file", O_RDONLY);
    int copy = open_file("mnt/copy", O_WRONLY | O_CREAT);
    off_t from = 0;

    assert_int_equal(lseek(fd, 0, SEEK_HOLE), BYTES);
    assert_errno(copy_file_range(fd, &from, copy, NULL, BYTES, 0), EIO);
    assert_ok(close(copy));
    assert_ok(close(fd));
    assert_ok(unlink("mnt/copy"));
}

static void what_is_lost_is_no_secret(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "size=4m");
    struct mount_status mount = mount_status_of(workspace);
    pid_t worker = mount.survival[0] == '\0' ? (pid_t)mount.pid : 0;
    int status = coprocess_run(store_too_much, &worker);
    assert_true(status == EXIT_SUCCESS || (workspace->passthrough && status == NOTHING_LOST));
    if (status == EXIT_SUCCESS)
        assert_copies_hear_of_it();
    // New contents are as good as ever.
    put_file("mnt/file", "contents");
    assert_content("mnt/file", "contents");
    int fd = open_file("mnt/file", O_RDWR);
    assert_ok(fsync(fd));
    assert_ok(ftruncate(fd, 2 * PAGE));
    char byte = 'x';
    assert_int_equal(pread(fd, &byte, 1, PAGE), 1);
    assert_int_equal(byte, 0);
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(what_is_lost_is_no_secret),
};

WORKSPACE_MAIN("mapping_limit", cases)
