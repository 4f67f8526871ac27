// SPDX-License-Identifier: BSD-2-Clause
/*
 * Attributes that are true: whatever changed a file, and whichever process did it, the next stat
 * shows it, also in a process that has looked before. What stat shows through the mount is what the
 * store's own file has.
 */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SIZE = 64 << 10 };

static void assert_same_time(const char *what, struct timespec here, struct timespec there)
{
    if (compare_times(here, there) != 0)
        fail_msg("%s is %ld.%09ld, in the store %ld.%09ld", what, here.tv_sec, here.tv_nsec,
                 there.tv_sec, there.tv_nsec);
}

static void in_store(const struct fixture *fixture, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s%s/%s", fixture->store, fixture->dir + strlen(fixture->mnt), name);
}

/*
 * The file behind a file of this case, in the store; on other areas nobody can see it, and there is
 * nothing to do. ctime cannot be set, so where the kernel holds writes back, the store's is the
 * time at which they got there.
 */
static void assert_same_in_store(void **state, const char *name)
{
    const struct fixture *fixture = fixture_of(state);
    if (fixture->area != AREA_PERSIST)
        return;
    char path[PATH_MAX];
    in_store(fixture, name, path);
    struct stat here = stat_of(name), there = stat_of(path);
    assert_int_equal(here.st_size, there.st_size);
    assert_int_equal(here.st_blocks, there.st_blocks);
    assert_int_equal(here.st_mode, there.st_mode);
    assert_int_equal(here.st_nlink, there.st_nlink);
    assert_same_time("mtime", here.st_mtim, there.st_mtim);
    if (!fixture->cached || compare_times(here.st_ctim, there.st_ctim) > 0)
        assert_same_time("ctime", here.st_ctim, there.st_ctim);
}

static char *map_file(int fd)
{
    char *address = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(address, MAP_FAILED);
    return address;
}

static void assert_later(struct timespec now, struct timespec before)
{
    if (compare_times(now, before) <= 0)
        fail_msg("the time stamp has not moved");
}

static void write_is_seen(void **state)
{
    int fd = new_file("file", 0);
    for (int i = 1; i <= 10; i++) {
        struct stat before = stat_of("file");
        next_tick();
        assert_int_equal(write(fd, "0123456789", 10), 10);
        struct stat after = stat_of("file");
        assert_int_equal(after.st_size, 10 * i);
        assert_int_equal(fstat_of(fd).st_size, 10 * i);
        assert_later(after.st_mtim, before.st_mtim);
        assert_later(after.st_ctim, before.st_ctim);
    }
    assert_ok(fsync(fd));
    assert_same_in_store(state, "file");
    struct stat open_still = stat_of("file");
    assert_ok(close(fd));
    struct stat closed = stat_of("file");
    assert_int_equal(compare_times(closed.st_mtim, open_still.st_mtim), 0);
    assert_same_in_store(state, "file");
}

// Overwriting in place changes no size that would give it away.
static void overwrite_is_seen(void **state)
{
    put_file("file", "0123456789");
    int fd = open_file("file", O_RDWR);
    for (int i = 0; i < 10; i++) {
        struct stat before = stat_of("file");
        next_tick();
        assert_int_equal(pwrite(fd, "x", 1, i), 1);
        assert_later(fstat_of(fd).st_mtim, before.st_mtim);
        assert_later(stat_of("file").st_mtim, before.st_mtim);
    }
    assert_ok(fsync(fd));
    assert_same_in_store(state, "file");
    assert_ok(close(fd));
    assert_same_in_store(state, "file");
}

/*
 * A tmpfs never moves mtime for a store through a mapping: on a memory area the promise is only
 * that stat keeps telling one truth by every way of asking.
 */
static void assert_store_seen(const struct fixture *fixture, struct timespec before)
{
    struct stat attr = stat_of("file"), again = lstat_of("file");
    if (!fixture->memory)
        assert_later(attr.st_mtim, before);
    assert_int_equal(compare_times(attr.st_mtim, again.st_mtim), 0);
    assert_int_equal(attr.st_size, SIZE);
}

static void store_and_msync_are_seen(void **state)
{
    int fd = new_file("file", SIZE);
    char *mapped = map_file(fd);
    for (int i = 0; i < 10; i++) {
        struct stat before = stat_of("file");
        next_tick();
        mapped[i * 4096] = 'x';
        assert_ok(msync(mapped, SIZE, MS_SYNC));
        assert_store_seen(fixture_of(state), before.st_mtim);
        assert_same_in_store(state, "file");
    }
    assert_ok(munmap(mapped, SIZE));
    assert_ok(close(fd));
    assert_same_in_store(state, "file");
}

// The daemon has seen the close; the mapping goes on.
static void store_after_close_is_seen(void **state)
{
    int fd = new_file("file", SIZE);
    char *mapped = map_file(fd);
    assert_ok(close(fd));
    for (int i = 0; i < 10; i++) {
        struct stat before = stat_of("file");
        next_tick();
        mapped[i] = 'x';
        assert_ok(msync(mapped, SIZE, MS_SYNC));
        assert_store_seen(fixture_of(state), before.st_mtim);
        assert_same_in_store(state, "file");
    }
    struct stat before = stat_of("file");
    next_tick();
    mapped[SIZE - 1] = 'x';
    assert_ok(msync(mapped, SIZE, MS_SYNC));
    assert_ok(munmap(mapped, SIZE));
    assert_store_seen(fixture_of(state), before.st_mtim);
    assert_same_in_store(state, "file");
}

static void set_immutable(const char *path, bool on)
{
    int flags, fd = open_file(path, O_RDONLY);
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
        harness_skip_case("the filesystem has no immutable files");
    flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
    assert_ok(ioctl(fd, FS_IOC_SETFLAGS, &flags));
    assert_ok(close(fd));
}

// Asked for alone, a time may come from what the kernel has kept.
static struct statx_timestamp mtime_alone(const char *path)
{
    struct statx stx;
    assert_ok(statx(AT_FDCWD, path, 0, STATX_MTIME, &stx));
    return stx.stx_mtime;
}

static bool is_same_time(struct statx_timestamp a, struct statx_timestamp b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

// The kernel is told some milliseconds later to keep it no more.
static struct statx_timestamp other_mtime_alone(const char *path, struct statx_timestamp before)
{
    struct statx_timestamp now = mtime_alone(path);
    for (int ticks = 0; ticks < 1000 && is_same_time(now, before); ticks++) {
        next_tick();
        now = mtime_alone(path);
    }
    return now;
}

// An open that fails in the area must not count for one that came to something.
static void store_after_a_failed_open_is_seen(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    char path[PATH_MAX];
    if (fixture->area != AREA_PERSIST || !fixture->root)
        return; // Only root makes files immutable, and only in the store.
    in_store(fixture, "file", path);
    assert_ok(close(new_file("file", SIZE)));
    stat_of("file");
    set_immutable(path, true);
    assert_errno(open("file", O_RDWR | O_CLOEXEC), EPERM);
    set_immutable(path, false);
    struct statx_timestamp before = mtime_alone("file");
    next_tick();
    int fd = open_file("file", O_RDWR);
    char *mapped = map_file(fd);
    mapped[0] = 'x';
    assert_ok(msync(mapped, SIZE, MS_SYNC));
    assert_ok(munmap(mapped, SIZE));
    assert_ok(close(fd));
    struct statx_timestamp here = other_mtime_alone("file", before);
    assert_false(is_same_time(here, before));
    assert_true(is_same_time(here, mtime_alone(path)));
}

static int store_in_mapping(struct coprocess *parent, void *argument)
{
    (void)argument;
    char *mapped = map_path("file", SIZE);
    coprocess_check(mapped != NULL);
    while (coprocess_give_turn(parent) && coprocess_await_turn(parent)) {
        mapped[0]++;
        coprocess_check(msync(mapped, SIZE, MS_SYNC) == 0);
    }
    return 0;
}

static void store_of_another_process_is_seen(void **state)
{
    struct coprocess coprocess;
    assert_ok(close(new_file("file", SIZE)));
    assert_int_equal(coprocess_start(&coprocess, store_in_mapping, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    for (int i = 0; i < 10; i++) {
        struct stat before = stat_of("file");
        next_tick();
        assert_true(coprocess_give_turn(&coprocess));
        assert_true(coprocess_await_turn(&coprocess));
        assert_store_seen(fixture_of(state), before.st_mtim);
        assert_same_in_store(state, "file");
    }
    assert_coprocess_succeeds(&coprocess);
    assert_same_in_store(state, "file");
}

static int change_in_turns(struct coprocess *parent, void *argument)
{
    (void)argument;
    int fd = open("file", O_RDWR | O_CLOEXEC);
    coprocess_check(fd >= 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(pwrite(fd, "longer than it was", 18, 0) == 18);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(ftruncate(fd, 5) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(fallocate(fd, 0, 0, 9999) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(truncate("file", 100) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(close(open("file", O_WRONLY | O_TRUNC | O_CLOEXEC)) == 0);
    coprocess_check(coprocess_give_turn(parent));
    return 0;
}

static void size_set_by_another_process_is_seen(void **state)
{
    static const off_t sizes[] = { 18, 5, 9999, 100, 0 };
    struct coprocess coprocess;
    put_file("file", "short");
    int fd = open_file("file", O_RDONLY);
    assert_int_equal(coprocess_start(&coprocess, change_in_turns, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct stat before = stat_of("file");
        assert_int_equal(compare_times(fstat_of(fd).st_mtim, before.st_mtim), 0);
        next_tick();
        assert_true(coprocess_give_turn(&coprocess));
        assert_true(coprocess_await_turn(&coprocess));
        assert_int_equal(stat_of("file").st_size, sizes[i]);
        assert_int_equal(fstat_of(fd).st_size, sizes[i]);
        assert_int_equal(lseek(fd, 0, SEEK_END), sizes[i]);
        assert_later(stat_of("file").st_mtim, before.st_mtim);
    }
    assert_coprocess_succeeds(&coprocess);
    assert_ok(close(fd));
    assert_same_in_store(state, "file");
}

static int run_change(struct coprocess *parent, void *argument)
{
    int (*const *change)(void) = argument;
    (void)parent;
    coprocess_check((*change)() == 0);
    return 0;
}

static int by_chmod(void)
{
    return chmod("file", 0604);
}

static int by_link(void)
{
    return link("file", "second");
}

static int by_unlink(void)
{
    return unlink("second");
}

static int by_rename(void)
{
    return rename("file", "elsewhere") < 0 ? -1 : rename("elsewhere", "file");
}

static int by_setxattr(void)
{
    return setxattr("file", "user.name", "value", 5, 0);
}

static int by_utimens(void)
{
    const struct timespec times[2] = { { 1000, 1 }, { 2000, 2 } };
    return utimensat(AT_FDCWD, "file", times, 0);
}

static int by_chown(void)
{
    return geteuid() == 0 ? chown("file", 1000, 1000) : chown("file", geteuid(), getegid());
}

// Each change is made by another process, and looked for through a path and a descriptor that have
// just been looked at.
static void change_by_another_process_is_seen(void **state)
{
    static int (*const changes[])(void) = { by_chmod,    by_link,    by_unlink, by_rename,
                                            by_setxattr, by_utimens, by_chown };
    put_file("file", "contents");
    int fd = open_file("file", O_RDONLY);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct stat before = stat_of("file");
        assert_int_equal(compare_times(fstat_of(fd).st_ctim, before.st_ctim), 0);
        next_tick();
        assert_int_equal(coprocess_run(run_change, (void *)(uintptr_t)&changes[i]), 0);
        struct stat by_path = stat_of("file"), by_fd = fstat_of(fd);
        if (compare_times(by_path.st_ctim, before.st_ctim) <= 0)
            fail_msg("change %zu is not seen", i);
        assert_int_equal(compare_times(by_path.st_ctim, by_fd.st_ctim), 0);
        assert_int_equal(by_path.st_mode, changes[i] == by_chmod ? S_IFREG | 0604 : before.st_mode);
        assert_int_equal(by_path.st_nlink, changes[i] == by_link ? 2 : 1);
        assert_int_equal(by_fd.st_nlink, by_path.st_nlink);
        assert_same_in_store(state, "file");
    }
    assert_int_equal(stat_of("file").st_mtim.tv_sec, 2000);
    assert_int_equal(stat_of("file").st_uid, fixture_of(state)->root ? 1000 : geteuid());
    assert_ok(close(fd));
}

static int change_directory_contents(struct coprocess *parent, void *argument)
{
    (void)parent;
    (void)argument;
    coprocess_check(mkdir("directory/sub", 0755) == 0);
    return 0;
}

static void directory_changed_by_another_process_is_seen(void **state)
{
    assert_ok(mkdir("directory", 0755));
    struct stat before = stat_of("directory");
    assert_false(exists("directory/sub"));
    next_tick();
    assert_int_equal(coprocess_run(change_directory_contents, NULL), 0);
    assert_true(exists("directory/sub"));
    assert_later(stat_of("directory").st_mtim, before.st_mtim);
    assert_int_equal(stat_of("directory").st_nlink, 3);
    assert_same_in_store(state, "directory");
}

// What make relies on: of two files, the one that was written last is the newer one, whichever way
// it was written.
static void order_of_changes_is_order_of_times(void **state)
{
    (void)state;
    put_file("source", "source");
    next_tick();
    put_file("target", "target");
    assert_later(stat_of("target").st_mtim, stat_of("source").st_mtim);
    next_tick();
    int fd = open_file("source", O_WRONLY);
    assert_int_equal(pwrite(fd, "SOURCE", 6, 0), 6);
    assert_later(stat_of("source").st_mtim, stat_of("target").st_mtim);
    assert_ok(close(fd));
    assert_later(stat_of("source").st_mtim, stat_of("target").st_mtim);
    next_tick();
    assert_ok(close(open_file("target", O_WRONLY | O_TRUNC)));
    assert_later(stat_of("target").st_mtim, stat_of("source").st_mtim);
}

// A time that was set stays, although the file is still open and what was written before is not yet
// on its way.
static void set_times_survive_written_data(void **state)
{
    const struct timespec times[2] = { { 1000, 1 }, { 2000, 2 } };
    int fd = new_file("file", 0);
    assert_int_equal(write(fd, "contents", 8), 8);
    assert_ok(futimens(fd, times));
    assert_int_equal(stat_of("file").st_mtim.tv_sec, 2000);
    assert_ok(fsync(fd));
    assert_int_equal(stat_of("file").st_mtim.tv_sec, 2000);
    assert_ok(close(fd));
    struct stat attr = stat_of("file");
    assert_int_equal(attr.st_mtim.tv_sec, 2000);
    assert_int_equal(attr.st_mtim.tv_nsec, 2);
    assert_int_equal(attr.st_size, 8);
    assert_same_in_store(state, "file");
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(write_is_seen),
    cmocka_unit_test(overwrite_is_seen),
    cmocka_unit_test(store_and_msync_are_seen),
    cmocka_unit_test(store_after_close_is_seen),
    cmocka_unit_test(store_after_a_failed_open_is_seen),
    cmocka_unit_test(store_of_another_process_is_seen),
    cmocka_unit_test(size_set_by_another_process_is_seen),
    cmocka_unit_test(change_by_another_process_is_seen),
    cmocka_unit_test(directory_changed_by_another_process_is_seen),
    cmocka_unit_test(order_of_changes_is_order_of_times),
    cmocka_unit_test(set_times_survive_written_data),
};

HARNESS_MAIN("coherence", cases)
