// SPDX-License-Identifier: BSD-2-Clause
/* The attributes of a file follow its contents at once, in the mount and in the store. */
#include "tests/mount/cases/attributes/store_attributes.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 64 << 10 };

static char *map_file(int fd)
{
    char *address = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(address, MAP_FAILED);
    return address;
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

static void mapped_write_and_msync_are_seen(void **state)
{
    int fd = new_file("file", SIZE);
    char *mapped = map_file(fd);
    for (int i = 0; i < 10; i++) {
        struct stat before = stat_of("file");
        next_tick();
        mapped[i * 4096] = 'x';
        assert_ok(msync(mapped, SIZE, MS_SYNC));
        assert_mapped_write_seen(fixture_of(state), before.st_mtim);
        assert_same_in_store(state, "file");
    }
    assert_ok(munmap(mapped, SIZE));
    assert_ok(close(fd));
    assert_same_in_store(state, "file");
}

// The daemon has seen the close; the mapping goes on.
static void mapped_write_after_close_is_seen(void **state)
{
    int fd = new_file("file", SIZE);
    char *mapped = map_file(fd);
    assert_ok(close(fd));
    for (int i = 0; i < 10; i++) {
        struct stat before = stat_of("file");
        next_tick();
        mapped[i] = 'x';
        assert_ok(msync(mapped, SIZE, MS_SYNC));
        assert_mapped_write_seen(fixture_of(state), before.st_mtim);
        assert_same_in_store(state, "file");
    }
    struct stat before = stat_of("file");
    next_tick();
    mapped[SIZE - 1] = 'x';
    assert_ok(msync(mapped, SIZE, MS_SYNC));
    assert_ok(munmap(mapped, SIZE));
    assert_mapped_write_seen(fixture_of(state), before.st_mtim);
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
    time_t end = time(NULL) + WAIT_SECONDS;
    while (is_same_time(now, before) && time(NULL) < end) {
        next_tick();
        now = mtime_alone(path);
    }
    return now;
}

// An open that fails in the area must not count for one that came to something.
static void mapped_write_after_a_failed_open_is_seen(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    char path[PATH_MAX];
    if (fixture->area != AREA_PERSIST || !fixture->root)
        return; // Only root makes files immutable, and only in the store.
    path_in_store(fixture, "file", path);
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
    cmocka_unit_test(mapped_write_and_msync_are_seen),
    cmocka_unit_test(mapped_write_after_close_is_seen),
    cmocka_unit_test(mapped_write_after_a_failed_open_is_seen),
    cmocka_unit_test(set_times_survive_written_data),
};

HARNESS_MAIN("coherence", cases)
