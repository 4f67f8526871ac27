// SPDX-License-Identifier: BSD-2-Clause
// Time stamps: set, kept, and moved by whatever changes a file.
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/kernel.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

static struct statx statx_of(const char *path)
{
    struct statx attr;
    assert_ok(statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &attr));
    return attr;
}

static int compare_statx_times(struct statx_timestamp a, struct statx_timestamp b)
{
    return compare_times((struct timespec){ a.tv_sec, a.tv_nsec },
                         (struct timespec){ b.tv_sec, b.tv_nsec });
}

static void assert_times(const char *path, struct timespec atime, struct timespec mtime)
{
    struct stat attr = lstat_of(path);
    assert_int_equal(attr.st_atim.tv_sec, atime.tv_sec);
    assert_int_equal(attr.st_atim.tv_nsec, atime.tv_nsec);
    assert_int_equal(attr.st_mtim.tv_sec, mtime.tv_sec);
    assert_int_equal(attr.st_mtim.tv_nsec, mtime.tv_nsec);
}

static void utimensat_to_the_nanosecond(void **state)
{
    static const struct timespec times[][2] = {
        { { 1, 1 }, { 2, 999999999 } },
        { { 0, 0 }, { 0, 0 } },
        { { 1700000000, 123456789 }, { 1600000000, 987654321 } },
        { { 2147483648, 5 }, { 4294967296, 6 } }, // beyond 2038 and 2106
        { { -1, 999999999 }, { -1000000000, 1 } },
    };
    (void)state;
    put_file("file", "");
    assert_ok(mkdir("directory", 0755));
    assert_ok(symlink("file", "link"));
    assert_ok(mkfifo("fifo", 0600));
    static const char *const paths[] = { "file", "directory", "link", "fifo" };
    for (size_t path = 0; path < 4; path++)
        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
            assert_ok(utimensat(AT_FDCWD, paths[path], times[i], AT_SYMLINK_NOFOLLOW));
            assert_times(paths[path], times[i][0], times[i][1]);
        }
    int fd = open_file("file", O_WRONLY);
    assert_ok(futimens(fd, times[2]));
    assert_times("file", times[2][0], times[2][1]);
    assert_ok(close(fd));
}

static void utimensat_now_and_omit(void **state)
{
    (void)state;
    static const struct timespec old[2] = { { 1000, 1 }, { 2000, 2 } };
    static const struct timespec omit_atime[2] = { { 7, UTIME_OMIT }, { 3000, 3 } };
    static const struct timespec omit_mtime[2] = { { 4000, 4 }, { 7, UTIME_OMIT } };
    static const struct timespec omit_both[2] = { { 7, UTIME_OMIT }, { 7, UTIME_OMIT } };
    static const struct timespec now_atime[2] = { { 7, UTIME_NOW }, { 7, UTIME_OMIT } };
    static const struct timespec wrong[2] = { { 0, 1000000000 }, { 0, 0 } };
    put_file("file", "");
    assert_ok(utimensat(AT_FDCWD, "file", old, 0));
    assert_ok(utimensat(AT_FDCWD, "file", omit_atime, 0));
    assert_times("file", old[0], omit_atime[1]);
    assert_ok(utimensat(AT_FDCWD, "file", omit_mtime, 0));
    assert_times("file", omit_mtime[0], omit_atime[1]);

    struct stat before = stat_of("file");
    next_tick();
    assert_ok(utimensat(AT_FDCWD, "file", omit_both, 0));
    assert_int_equal(compare_times(stat_of("file").st_ctim, before.st_ctim), 0);
    assert_ok(utimensat(AT_FDCWD, "file", now_atime, 0));
    struct stat after = stat_of("file");
    assert_true(compare_times(after.st_atim, before.st_ctim) > 0);
    assert_true(compare_times(after.st_ctim, before.st_ctim) > 0);
    assert_int_equal(after.st_mtim.tv_sec, 3000);
    next_tick();
    assert_ok(utimensat(AT_FDCWD, "file", NULL, 0));
    assert_true(compare_times(stat_of("file").st_mtim, after.st_atim) > 0);
    assert_errno(utimensat(AT_FDCWD, "file", wrong, 0), EINVAL);
    assert_errno(utimensat(AT_FDCWD, "nothing", old, 0), ENOENT);
}

static void birth_time_stays(void **state)
{
    struct timespec before, after;
    if (fixture_of(state)->area != AREA_NATIVE && !kernel_is_at_least(6, 6))
        harness_skip_case("this kernel's FUSE tells no birth times (Linux 6.6 does)");
    clock_gettime(CLOCK_REALTIME_COARSE, &before);
    put_file("file", "");
    clock_gettime(CLOCK_REALTIME, &after);
    struct statx born = statx_of("file");
    assert_true((born.stx_mask & STATX_BTIME) != 0);
    struct timespec birth = { born.stx_btime.tv_sec, born.stx_btime.tv_nsec };
    assert_true(compare_times(birth, before) >= 0 && compare_times(birth, after) <= 0);

    next_tick();
    put_file("file", "changed");
    assert_ok(chmod("file", 0600));
    assert_ok(utimensat(AT_FDCWD, "file", (struct timespec[2]){ { 1, 0 }, { 1, 0 } }, 0));
    assert_ok(rename("file", "moved"));
    struct statx now = statx_of("moved");
    assert_int_equal(compare_statx_times(now.stx_btime, born.stx_btime), 0);
    assert_true(compare_statx_times(now.stx_ctime, born.stx_ctime) > 0);

    assert_ok(mkdir("directory", 0755));
    assert_true((statx_of("directory").stx_mask & STATX_BTIME) != 0);
    assert_true(compare_statx_times(statx_of("directory").stx_btime, born.stx_btime) > 0);
}

typedef void change(void);

static void by_chmod(void)
{
    assert_ok(chmod("file", 0600));
}

static void by_chown(void)
{
    assert_ok(chown("file", geteuid(), getegid()));
}

static void by_utimens(void)
{
    assert_ok(utimensat(AT_FDCWD, "file", (struct timespec[2]){ { 1, 0 }, { 1, 0 } }, 0));
}

static void by_link(void)
{
    assert_ok(link("file", "second"));
}

static void by_unlink(void)
{
    assert_ok(unlink("second"));
}

static void by_rename(void)
{
    assert_ok(rename("file", "other"));
    assert_ok(rename("other", "file"));
}

static void by_setxattr(void)
{
    if (has_user_attributes("file"))
        assert_ok(setxattr("file", "user.name", "value", 5, 0));
    else
        by_chmod();
}

static void by_removexattr(void)
{
    if (has_user_attributes("file"))
        assert_ok(removexattr("file", "user.name"));
    else
        by_chmod();
}

static void by_write(void)
{
    int fd = open_file("file", O_WRONLY);
    assert_int_equal(write(fd, "data", 4), 4);
    assert_ok(close(fd));
}

static void by_truncate(void)
{
    assert_ok(truncate("file", 100));
}

static void by_open_truncate(void)
{
    assert_ok(close(open_file("file", O_WRONLY | O_TRUNC)));
}

static void ctime_tells_every_change(void **state)
{
    static change *const changes[] = { by_chmod,  by_chown,    by_utimens,      by_link,
                                       by_unlink, by_rename,   by_setxattr,     by_removexattr,
                                       by_write,  by_truncate, by_open_truncate };
    (void)state;
    put_file("file", "contents");
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct stat before = stat_of("file");
        next_tick();
        changes[i]();
        if (compare_times(stat_of("file").st_ctim, before.st_ctim) <= 0)
            fail_msg("change %zu left ctime as it was", i);
    }
}

static void mtime_tells_contents_only(void **state)
{
    static change *const others[] = { by_chmod, by_link, by_unlink, by_rename, by_setxattr };
    static change *const contents[] = { by_write, by_truncate, by_open_truncate };
    (void)state;
    put_file("file", "contents");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct stat before = stat_of("file");
        next_tick();
        others[i]();
        assert_int_equal(compare_times(stat_of("file").st_mtim, before.st_mtim), 0);
    }
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        struct stat before = stat_of("file");
        next_tick();
        contents[i]();
        assert_true(compare_times(stat_of("file").st_mtim, before.st_mtim) > 0);
    }
}

static void make_file(void)
{
    put_file("directory/file", "");
}

static void make_directory(void)
{
    assert_ok(mkdir("directory/sub", 0755));
}

static void move_in_and_out(void)
{
    assert_ok(rename("directory/file", "out"));
}

static void move_in(void)
{
    assert_ok(rename("out", "directory/in"));
}

static void link_in(void)
{
    assert_ok(link("directory/in", "directory/link"));
}

static void remove_entry(void)
{
    assert_ok(unlink("directory/in"));
}

static void remove_directory(void)
{
    assert_ok(rmdir("directory/sub"));
}

static void directory_times_tell_entries(void **state)
{
    static change *const changes[] = { make_file, make_directory, move_in_and_out, move_in,
                                       link_in,   remove_entry,   remove_directory };
    (void)state;
    assert_ok(mkdir("directory", 0755));
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct stat before = stat_of("directory");
        next_tick();
        changes[i]();
        struct stat after = stat_of("directory");
        if (compare_times(after.st_mtim, before.st_mtim) <= 0 ||
            compare_times(after.st_ctim, before.st_ctim) <= 0)
            fail_msg("change %zu left the directory's times as they were", i);
    }
    struct stat before = stat_of("directory");
    next_tick();
    assert_ok(chmod("directory/link", 0600));
    put_file("directory/link", "new contents");
    assert_int_equal(compare_times(stat_of("directory").st_mtim, before.st_mtim), 0);
}

static void assert_read_is_noted(const struct fixture *fixture, const struct timespec times[2])
{
    struct statvfs area;
    assert_ok(statvfs(fixture->store != NULL ? fixture->store : fixture->base, &area));
    assert_ok(utimensat(AT_FDCWD, "file", times, 0));
    next_tick();
    assert_content("file", "contents");
    struct stat attr = stat_of("file");
    assert_int_equal(attr.st_mtim.tv_sec, times[1].tv_sec);
    bool noted = attr.st_atim.tv_sec != times[0].tv_sec;
    // FUSE's page cache tells nobody of the reads that it serves.
    if (!fixture->cached)
        assert_int_equal(noted, fixture->memory || (area.f_flag & ST_NOATIME) == 0);
}

// relatime, the kernel's default: a read is noted when it is the first since a change, or a day
// after the last.
static void read_access_is_noted(void **state)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const struct timespec before_change[2] = { { now.tv_sec - 200, 0 }, { now.tv_sec - 100, 0 } };
    const struct timespec long_ago[2] = { { now.tv_sec - 200000, 0 }, { now.tv_sec - 300000, 0 } };
    put_file("file", "contents");
    assert_read_is_noted(fixture_of(state), before_change);
    assert_read_is_noted(fixture_of(state), long_ago);
    // Nothing has changed since that read: another one leaves no trace.
    struct stat first = stat_of("file");
    next_tick();
    assert_content("file", "contents");
    assert_int_equal(compare_times(stat_of("file").st_atim, first.st_atim), 0);
}

/* Reads what the kernel's page cache does not have. */
static void read_cold(int flags)
{
    char byte;
    int fd = open_file("file", flags);
    // Written data is in the page cache until it is clean and dropped.
    assert_ok(fdatasync(fd));
    assert_ok(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 ? 0 : -1);
    assert_int_equal(pread(fd, &byte, 1, 0), 1);
    assert_int_equal(byte, 'c');
    assert_ok(close(fd));
}

static void a_read_without_access_time_is_not_noted(void **state)
{
    struct timespec now;
    (void)state;
    clock_gettime(CLOCK_REALTIME, &now);
    const struct timespec times[2] = { { now.tv_sec - 200000, 0 }, { now.tv_sec - 100, 0 } };
    put_file("file", "contents");
    assert_ok(utimensat(AT_FDCWD, "file", times, 0));
    next_tick();
    read_cold(O_RDONLY | O_NOATIME);
    assert_times("file", times[0], times[1]);
    // A descriptor that notes it is open meanwhile.
    int fd = open_file("file", O_RDWR);
    read_cold(O_RDONLY | O_NOATIME);
    assert_times("file", times[0], times[1]);
    assert_ok(close(fd));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(utimensat_to_the_nanosecond),
    cmocka_unit_test(utimensat_now_and_omit),
    cmocka_unit_test(birth_time_stays),
    cmocka_unit_test(ctime_tells_every_change),
    cmocka_unit_test(mtime_tells_contents_only),
    cmocka_unit_test(directory_times_tell_entries),
    cmocka_unit_test(read_access_is_noted),
    cmocka_unit_test(a_read_without_access_time_is_not_noted),
};

HARNESS_MAIN("times", cases)
