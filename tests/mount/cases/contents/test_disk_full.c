// SPDX-License-Identifier: BSD-2-Clause
/* A store whose disk is full, or has no more than its reserve. */
#include "tests/mount/cases/contents/disk.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { MIB = 1 << 20, SOMEBODY = 1234 };

/* Appends and syncs until the disk is full; the errno that said so. Nothing else may fail. */
static int fill_by_descriptor(int fd)
{
    static const char block[65536] = "x";

    while (write(fd, block, sizeof(block)) != -1 && fsync(fd) != -1)
        continue;
    return errno;
}

static int fill_by_writes(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    int error = fd == -1 ? errno : fill_by_descriptor(fd);

    close(fd);
    return error;
}

/* The same by fallocate, in ever smaller pieces. */
static int fill_by_fallocate(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0666);
    off_t end = 0;
    int error = 0;

    if (fd == -1)
        return errno;
    for (off_t piece = MIB; piece >= 4096; piece /= 2) {
        while (fallocate(fd, 0, end, piece) == 0)
            end += piece;
        error = errno;
    }
    close(fd);
    return error;
}

static struct statvfs space_of(const char *path)
{
    struct statvfs vfs;

    assert_ok(statvfs(path, &vfs));
    return vfs;
}

static bool has_space(void *argument)
{
    return space_of(argument).f_bavail > 0;
}

static void full_disk_keeps_what_was_synced(void **state)
{
    struct workspace *workspace = workspace_of(state);

    disk_make(workspace, 16, "", "");
    workspace_mount(workspace, true, "");
    put_file("mnt/kept", "acknowledged");
    int fd = open_file("mnt/kept", O_RDWR);
    assert_ok(fsync(fd));
    assert_int_equal(fill_by_writes("mnt/filler"), ENOSPC);
    assert_int_equal(posix_fallocate(fd, 0, 2 * MIB), ENOSPC);
    assert_content("mnt/kept", "acknowledged");
    // A block that is there already can still be written.
    assert_int_equal(pwrite(fd, "ACK", 3, 0), 3);
    assert_ok(fsync(fd));
    assert_ok(close(fd));
    assert_int_equal(space_of("mnt").f_bavail, 0);
    workspace_unmount(workspace);
    assert_content("store/kept", "ACKnowledged");
    workspace_mount(workspace, true, "");
    assert_content("mnt/kept", "ACKnowledged");
    assert_ok(unlink("mnt/filler"));
    char mnt[] = "mnt";
    assert_true(becomes_true(has_space, mnt));
    put_file("mnt/new", "there is space again");
    workspace_unmount(workspace);
    disk_remove(workspace);
}

/* A write through a mapping that finds no space is a SIGBUS on this disk, whoever maps it. */
static int write_everywhere(struct coprocess *parent, void *argument)
{
    (void)parent;
    (void)argument;
    signal(SIGBUS, SIG_DFL);
    char *mapping = map_path("mnt/sparse", 64 * MIB);
    coprocess_check(mapping != NULL);
    for (size_t at = 0; at < 64 * MIB; at += 4096)
        mapping[at] = 'x';
    return msync(mapping, 64 * MIB, MS_SYNC) == -1 ? errno : 0;
}

static void full_disk_under_a_mapping(void **state)
{
    struct workspace *workspace = workspace_of(state);

    disk_make(workspace, 16, "", "");
    workspace_mount(workspace, true, "");
    assert_ok(close(new_file("mnt/sparse", 64 * MIB)));
    int result = coprocess_run(write_everywhere, NULL);
    // A page cache of its own finds out when it writes back, and what is lost then is known from
    // then on.
    assert_true(result == 128 + SIGBUS ||
                (!workspace->passthrough && !workspace->native && result == ENOSPC));
    put_file("store/kept", "");
    workspace_unmount(workspace);
    disk_remove(workspace);
}

static int fill_as_caller(void *argument)
{
    const char *const *paths = argument;

    coprocess_check(fill_by_fallocate(paths[0]) == ENOSPC);
    coprocess_check(fill_by_writes(paths[1]) == ENOSPC);
    return 0;
}

static void reserved_blocks_are_for_nobody(void **state)
{
    struct workspace *workspace = workspace_of(state);
    const char *by_user[] = { "mnt/allocated", "mnt/written" };
    const char *by_root[] = { "mnt/allocated-by-root", "mnt/written-by-root" };

    disk_make(workspace, 32, "-m20", "");
    workspace_mount(workspace, true, "");
    struct statvfs before = space_of("store");
    fsblkcnt_t reserved = before.f_bfree - before.f_bavail;
    assert_true(reserved * before.f_frsize > 4 * MIB);
    assert_int_equal(harness_as(SOMEBODY, SOMEBODY, 0, NULL, fill_as_caller, by_user), 0);
    assert_int_equal(space_of("store").f_bavail, 0);
    assert_true(space_of("store").f_bfree >= reserved);
    // Root by itself could have them. Through the mount it is one more user.
    if (!workspace->native) {
        assert_int_equal(fill_as_caller(by_root), 0);
        assert_true(space_of("store").f_bfree >= reserved);
        assert_int_equal(space_of("mnt").f_bavail, 0);
        assert_int_equal(space_of("mnt").f_bfree, space_of("store").f_bfree);
    }
    workspace_unmount(workspace);
    disk_remove(workspace);
}

enum { ROUNDS = 20 };

/* Writes at the end, then allocates, when it is told to: both find the disk full each time. */
static int find_it_full_in_turns(struct coprocess *parent, void *argument)
{
    (void)argument;
    coprocess_check(setgid(SOMEBODY) == 0 && setuid(SOMEBODY) == 0);
    int fd = open("mnt/of-root", O_WRONLY | O_APPEND | O_CLOEXEC);
    coprocess_check(fd != -1);
    coprocess_check(fill_by_writes("mnt/of-somebody") == ENOSPC);
    while (coprocess_give_turn(parent) && coprocess_await_turn(parent)) {
        coprocess_check(fill_by_descriptor(fd) == ENOSPC);
        coprocess_check(fallocate(fd, 0, 0, 4 * MIB) == -1 && errno == ENOSPC);
        coprocess_check(fill_by_writes("mnt/of-somebody") == ENOSPC);
    }
    return 0;
}

/* A thread that serves root may use root's reserve. It may not when it serves another user next;
 * nor may a user who opens a file that root has just made. */
static void reserved_blocks_do_not_come_with_the_thread(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess somebody;
    char path[64];

    disk_make(workspace, 32, "-m20", "");
    workspace_mount(workspace, true, "");
    struct statvfs before = space_of("store");
    fsblkcnt_t reserved = before.f_bfree - before.f_bavail;
    int fd = new_file("mnt/of-root", 0);
    assert_ok(fchmod(fd, 0666));
    assert_int_equal(coprocess_start(&somebody, find_it_full_in_turns, NULL), 0);
    for (int i = 0; i < ROUNDS; i++) {
        assert_true(coprocess_await_turn(&somebody));
        snprintf(path, sizeof(path), "mnt/empty%d", i);
        assert_ok(close(new_file(path, 0)));
        assert_true(coprocess_give_turn(&somebody));
    }
    assert_true(coprocess_await_turn(&somebody));
    assert_coprocess_succeeds(&somebody);
    assert_ok(close(fd));
    // The reserve has lost no more than root's names may take.
    assert_true(space_of("store").f_bfree + ROUNDS >= reserved);
    workspace_unmount(workspace);
    disk_remove(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(full_disk_keeps_what_was_synced),
    cmocka_unit_test(full_disk_under_a_mapping),
    cmocka_unit_test(reserved_blocks_are_for_nobody),
    cmocka_unit_test(reserved_blocks_do_not_come_with_the_thread),
};

WORKSPACE_MAIN("disk_full", cases)
