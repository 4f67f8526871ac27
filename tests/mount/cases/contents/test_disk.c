// SPDX-License-Identifier: BSD-2-Clause
// A store on a disk that is full, has reserved blocks, or fails: what programs are told.
#include "tests/mount/cases/contents/disk.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
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
    // What has its space already can be written still.
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

/* A store through a mapping that finds no space is a SIGBUS on this disk, whoever maps it. */
static int store_everywhere(struct coprocess *parent, void *argument)
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
    int result = coprocess_run(store_everywhere, NULL);
    // A page cache of its own finds out when it writes back.
    if (workspace->passthrough || workspace->native)
        assert_int_equal(result, 128 + SIGBUS);
    else
        assert_int_equal(result, ENOSPC);
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

/* Who serves root may use what is root's. Who is served next, by the same thread, may not; nor may whoever opens
 * a file that root has just made. */
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
    // Of the reserve, no more is gone than root's names may take.
    assert_true(space_of("store").f_bfree + ROUNDS >= reserved);
    workspace_unmount(workspace);
    disk_remove(workspace);
}

enum { SLOW_CLIENTS = 6 };

static int make_slowly(struct coprocess *parent, void *argument)
{
    char path[64];

    snprintf(path, sizeof(path), "mnt/directory%d/new", *(int *)argument);
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(mkdir(path, 0755) == 0);
    coprocess_check(coprocess_give_turn(parent));
    return 0;
}

/* Asks for what the kernel cannot know, and so the daemon must answer. */
static int ask_for_names(struct coprocess *parent, void *argument)
{
    char path[64];
    struct stat attr;

    (void)parent;
    for (int i = 0; i < 10; i++) {
        snprintf(path, sizeof(path), "mnt/known/%d-%d", *(int *)argument, i);
        coprocess_check(stat(path, &attr) == -1 && errno == ENOENT);
        snprintf(path, sizeof(path), "mnt/known/of-the-store%d-%d", *(int *)argument, i);
        coprocess_check(stat(path, &attr) == 0);
    }
    return 0;
}

static void prepare_questions(void)
{
    char path[64];

    assert_ok(mkdir("store/known", 0755));
    for (int round = 0; round < SLOW_CLIENTS; round++) {
        snprintf(path, sizeof(path), "store/directory%d", round);
        assert_ok(mkdir(path, 0755));
        for (int i = 0; i < 10; i++) {
            snprintf(path, sizeof(path), "store/known/of-the-store%d-%d", round, i);
            put_file(path, "");
        }
    }
}

/* While the disk is frozen, whoever changes something waits, and with him the thread that serves him. */
static void slow_disk_keeps_nobody_else_waiting(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess slow[SLOW_CLIENTS];
    int started, begun = 0, answered = 0, early = 0;

    disk_make(workspace, 16, "", "");
    prepare_questions();
    workspace_mount(workspace, true, "");
    int disk = open_file("store", O_RDONLY | O_DIRECTORY);
    assert_ok(ioctl(disk, FIFREEZE, 0));
    // Nothing is asserted before the disk goes on: nobody could end the case.
    for (started = 0; started < SLOW_CLIENTS && answered == started; started++) {
        begun += coprocess_start(&slow[started], make_slowly, &started) == 0 &&
                 coprocess_await_turn(&slow[started]);
        answered += coprocess_run(ask_for_names, &started) == 0;
    }
    for (int i = 0; i < started; i++) {
        struct pollfd event = { .fd = slow[i].in, .events = POLLIN };
        early += poll(&event, 1, 0) == 1;
    }
    assert_ok(ioctl(disk, FITHAW, 0));
    assert_ok(close(disk));
    assert_int_equal(begun, started);
    for (int i = 0; i < started; i++) {
        assert_true(coprocess_await_turn(&slow[i]));
        assert_coprocess_succeeds(&slow[i]);
    }
    assert_int_equal(answered, SLOW_CLIENTS);
    assert_int_equal(early, 0);
    workspace_unmount(workspace);
    disk_remove(workspace);
}

static bool is_disk_error(int error)
{
    return error == EIO || error == ENOSPC;
}

/* Keeps the file open while it fails, and then asks. */
static int sync_in_other_process(struct coprocess *parent, void *argument)
{
    (void)argument;
    int fd = open("mnt/file", O_RDONLY);
    coprocess_check(fd != -1);
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(coprocess_await_turn(parent));
    coprocess_check(fsync(fd) == -1 && is_disk_error(errno));
    return 0;
}

static int failing_file(struct workspace *workspace)
{
    // Without a journal the filesystem goes on after an error; its blocks are allocated, but nowhere on the disk.
    disk_make(workspace, 16, "-O^has_journal", "");
    workspace_mount(workspace, true, "");
    int fd = new_file("mnt/file", 0);
    assert_int_equal(posix_fallocate(fd, 0, 4 * MIB), 0);
    assert_ok(fsync(fd));
    return fd;
}

static void end_of_failing_disk(struct workspace *workspace)
{
    disk_repair(workspace);
    assert_ok(umount2(workspace->mnt, 0));
    workspace_await_children(); // The daemon may well tell of the error by its status.
    disk_remove(workspace);
}

static void failed_write_back_reaches_every_opener(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char block[65536];
    struct coprocess coprocess;

    int fd = failing_file(workspace);
    int writer = open_file("mnt/file", O_WRONLY);
    int reader = open_file("mnt/file", O_RDONLY);
    assert_int_equal(coprocess_start(&coprocess, sync_in_other_process, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    disk_break(workspace);
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 16; i++)
        assert_int_equal(pwrite(fd, block, sizeof(block), i * (off_t)sizeof(block)), sizeof(block));
    assert_int_equal(fsync(fd), -1);
    assert_true(is_disk_error(errno));
    assert_int_equal(fsync(writer), -1);
    assert_true(is_disk_error(errno));
    assert_int_equal(fdatasync(reader), -1);
    assert_true(is_disk_error(errno));
    assert_true(coprocess_give_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
    assert_ok(close(reader));
    assert_ok(close(writer));
    assert_ok(close(fd));
    end_of_failing_disk(workspace);
}

static void failed_write_back_reaches_msync(void **state)
{
    struct workspace *workspace = workspace_of(state);

    int fd = failing_file(workspace);
    char *mapping = map_shared(fd, 4 * MIB);
    disk_break(workspace);
    memset(mapping, 'x', MIB);
    assert_int_equal(msync(mapping, 4 * MIB, MS_SYNC), -1);
    assert_true(is_disk_error(errno));
    unmap(mapping, 4 * MIB);
    assert_ok(close(fd));
    end_of_failing_disk(workspace);
}

static void failed_write_back_of_a_mapping_reaches_fsync(void **state)
{
    struct workspace *workspace = workspace_of(state);

    int fd = failing_file(workspace);
    char *mapping = map_shared(fd, 4 * MIB);
    int other = open_file("mnt/file", O_RDWR);
    disk_break(workspace);
    memset(mapping + MIB, 'x', MIB);
    assert_int_equal(fsync(other), -1);
    assert_true(is_disk_error(errno));
    assert_int_equal(fdatasync(fd), -1);
    assert_true(is_disk_error(errno));
    unmap(mapping, 4 * MIB);
    assert_ok(close(other));
    assert_ok(close(fd));
    end_of_failing_disk(workspace);
}

static void failed_synchronous_write_says_so(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char block[65536] = "x";

    assert_ok(close(failing_file(workspace)));
    int fd = open_file("mnt/file", O_WRONLY | O_DSYNC);
    disk_break(workspace);
    assert_int_equal(pwrite(fd, block, sizeof(block), MIB), -1);
    assert_true(is_disk_error(errno));
    close(fd);
    end_of_failing_disk(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(full_disk_keeps_what_was_synced),
    cmocka_unit_test(full_disk_under_a_mapping),
    cmocka_unit_test(reserved_blocks_are_for_nobody),
    cmocka_unit_test(reserved_blocks_do_not_come_with_the_thread),
    cmocka_unit_test(slow_disk_keeps_nobody_else_waiting),
    cmocka_unit_test(failed_write_back_reaches_every_opener),
    cmocka_unit_test(failed_write_back_reaches_msync),
    cmocka_unit_test(failed_write_back_of_a_mapping_reaches_fsync),
    cmocka_unit_test(failed_synchronous_write_says_so),
};

WORKSPACE_MAIN("disk", cases)
