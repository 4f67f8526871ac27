// SPDX-License-Identifier: BSD-2-Clause
// Flags of files, as chattr(1) sets and lsattr(1) shows them: those that the area has, for whom it
// has them, and what they then forbid.
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/mapping.h"
#include "tests/mount/harness/users.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int flags_of(const char *path)
{
    int flags = 0;
    int fd = open_file(path, O_RDONLY);
    assert_ok(ioctl(fd, FS_IOC_GETFLAGS, &flags));
    assert_ok(close(fd));
    return flags;
}

/* Sets some flags and clears others. Returns 0 or an errno. */
static int change_flags(const char *path, int set, int clear)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int flags;
    int result = fd < 0 ? errno : result_of(ioctl(fd, FS_IOC_GETFLAGS, &flags));

    if (result == 0) {
        flags = (flags | set) & ~clear;
        result = result_of(ioctl(fd, FS_IOC_SETFLAGS, &flags));
    }
    if (fd >= 0)
        close(fd);
    return result;
}

/* Skips a case where the filesystem below has no flags. */
static void need_flags(const struct fixture *fixture)
{
    int fd, flags;

    if (fixture->area == AREA_PERSIST)
        fd = open(fixture->store, O_RDONLY | O_CLOEXEC);
    else if (fixture->area == AREA_NATIVE)
        fd = open(".", O_RDONLY | O_CLOEXEC);
    else
        fd = memfd_create("probe", MFD_CLOEXEC);
    assert_true(fd >= 0);
    int result = result_of(ioctl(fd, FS_IOC_GETFLAGS, &flags));
    assert_ok(close(fd));
    if (result != 0)
        harness_skip_case("the filesystem below has no flags of files");
}

static void assert_changes(const char *path)
{
    struct fsxattr extended;

    assert_int_equal(flags_of(path) & FS_NODUMP_FL, 0);
    assert_int_equal(change_flags(path, FS_NODUMP_FL, 0), 0);
    assert_int_equal(flags_of(path) & FS_NODUMP_FL, FS_NODUMP_FL);
    int fd = open_file(path, O_RDONLY);
    assert_ok(ioctl(fd, FS_IOC_FSGETXATTR, &extended));
    assert_int_equal(extended.fsx_xflags & FS_XFLAG_NODUMP, FS_XFLAG_NODUMP);
    extended.fsx_xflags &= ~(unsigned)FS_XFLAG_NODUMP;
    assert_ok(ioctl(fd, FS_IOC_FSSETXATTR, &extended));
    assert_ok(close(fd));
    assert_int_equal(flags_of(path) & FS_NODUMP_FL, 0);
}

static void flags_are_set_and_shown(void **state)
{
    need_flags(fixture_of(state));
    put_file("file", "contents");
    assert_ok(mkdir("directory", 0755));
    assert_changes("file");
    assert_changes("directory");
}

static void setting_flags_changes_the_time_of_change(void **state)
{
    need_flags(fixture_of(state));
    put_file("file", "contents");
    struct stat before = stat_of("file");
    next_tick();
    assert_int_equal(change_flags("file", FS_NODUMP_FL, 0), 0);
    assert_true(compare_times(stat_of("file").st_ctim, before.st_ctim) > 0);
    assert_int_equal(compare_times(stat_of("file").st_mtim, before.st_mtim), 0);
}

static void a_renamed_file_keeps_its_flags(void **state)
{
    need_flags(fixture_of(state));
    put_file("file", "contents");
    assert_int_equal(change_flags("file", FS_NODUMP_FL | FS_NOATIME_FL, 0), 0);
    assert_ok(rename("file", "other"));
    assert_int_equal(flags_of("other") & (FS_NODUMP_FL | FS_NOATIME_FL),
                     FS_NODUMP_FL | FS_NOATIME_FL);
}

/* A process that has a file open may do that even when it cannot be opened any more. */
static void an_open_file_needs_no_permission(void **state)
{
    int flags;

    need_flags(fixture_of(state));
    put_file("file", "contents");
    int fd = open_file("file", O_RDWR);
    assert_ok(fchmod(fd, 0));
    assert_ok(ioctl(fd, FS_IOC_GETFLAGS, &flags));
    flags |= FS_NODUMP_FL;
    assert_ok(ioctl(fd, FS_IOC_SETFLAGS, &flags));
    assert_ok(fchmod(fd, 0600));
    assert_int_equal(flags_of("file") & FS_NODUMP_FL, FS_NODUMP_FL);
    assert_ok(close(fd));
}

static int set_nodump(void *path)
{
    return change_flags(path, FS_NODUMP_FL, 0);
}

static int set_immutable(void *path)
{
    return change_flags(path, FS_IMMUTABLE_FL, 0);
}

static int set_append(void *path)
{
    return change_flags(path, FS_APPEND_FL, 0);
}

static int clear_immutable(void *path)
{
    return change_flags(path, 0, FS_IMMUTABLE_FL);
}

static void only_the_owner_sets_flags(void **state)
{
    need_flags(fixture_of(state));
    if (!fixture_of(state)->root)
        return; // nobody else can be become
    prepare_file("file", ALICE, STAFF, 0666);
    assert_int_equal(as(BOB, set_nodump, "file"), EPERM);
    assert_int_equal(as_member(BOB, STAFF, set_nodump, "file"), EPERM);
    assert_int_equal(flags_of("file") & FS_NODUMP_FL, 0);
    assert_int_equal(as(ALICE, set_nodump, "file"), 0);
    assert_int_equal(flags_of("file") & FS_NODUMP_FL, FS_NODUMP_FL);
}

static void an_owner_makes_nothing_immutable(void **state)
{
    need_flags(fixture_of(state));
    if (fixture_of(state)->root) {
        prepare_file("file", ALICE, ALICE, 0666);
        assert_int_equal(as(ALICE, set_immutable, "file"), EPERM);
        assert_int_equal(as(ALICE, set_append, "file"), EPERM);
        assert_int_equal(as(BOB, set_immutable, "file"), EPERM);
    } else {
        put_file("file", "contents");
        char path[] = "file";
        assert_int_equal(set_immutable(path), EPERM);
        assert_int_equal(set_append(path), EPERM);
    }
    assert_int_equal(flags_of("file") & (FS_IMMUTABLE_FL | FS_APPEND_FL), 0);
    assert_ok(unlink("file"));
}

/* The flag is taken away before anything is asserted: what cannot be removed must not be left. */
static void an_immutable_file_stays_as_it_is(void **state)
{
    enum { CALLS = 10 };
    int results[CALLS] = { 0 };
    int others, cleared;

    need_flags(fixture_of(state));
    if (!fixture_of(state)->root)
        return;
    prepare_file("file", ALICE, ALICE, 0666);
    stat_of("file");
    assert_int_equal(change_flags("file", FS_IMMUTABLE_FL, 0), 0);
    results[0] = open_with("file", O_WRONLY);
    results[1] = open_with("file", O_RDWR | O_TRUNC);
    results[2] = result_of(truncate("file", 1));
    results[3] = result_of(chmod("file", 0600));
    results[4] = result_of(chown("file", BOB, BOB));
    results[5] = result_of(link("file", "link"));
    results[6] = result_of(rename("file", "other"));
    results[7] = result_of(unlink("file"));
    results[8] = as(ALICE, clear_immutable, "file");
    results[9] = as(ALICE, write_file, "file");
    others = open_with("file", O_RDONLY);
    cleared = change_flags("file", 0, FS_IMMUTABLE_FL);
    assert_int_equal(cleared, 0);
    for (int i = 0; i < CALLS; i++)
        if (results[i] != EPERM)
            fail_msg("call %d: errno %d instead of EPERM", i, results[i]);
    assert_int_equal(others, 0);
    assert_content("file", "contents");
    assert_int_equal(stat_of("file").st_mode & 07777, 0666);
    assert_ok(chmod("file", 0600));
    assert_int_equal(open_with("file", O_RDWR | O_TRUNC), 0);
    assert_ok(unlink("file"));
}

/* Stores through a mapping that wait to be written would be lost: then the flag has to wait. */
static void an_immutable_file_loses_no_stores(void **state)
{
    need_flags(fixture_of(state));
    if (!fixture_of(state)->root)
        return;
    put_file("file", "contents");
    int fd = open_file("file", O_RDWR);
    char *mapping = map_fd(fd, 8, PROT_READ | PROT_WRITE, MAP_SHARED);
    mapping[0] = 'C';
    int busy = change_flags("file", FS_IMMUTABLE_FL, 0);
    // Somebody who has it open changes nothing for those who name it.
    int truncated = busy == 0 ? result_of(truncate("file", 1)) : EPERM;
    int synced = result_of(msync(mapping, 8, MS_SYNC));
    unmap(mapping, 8);
    assert_ok(close(fd));
    int cleared = change_flags("file", 0, FS_IMMUTABLE_FL);
    assert_int_equal(cleared, 0);
    assert_true(busy == 0 || (busy == EBUSY && !fixture_of(state)->passthrough));
    assert_int_equal(truncated, EPERM);
    assert_int_equal(synced, 0);
    assert_content("file", "Contents");
    assert_ok(unlink("file"));
}

static void nothing_is_made_in_an_immutable_directory(void **state)
{
    int results[3];

    need_flags(fixture_of(state));
    if (!fixture_of(state)->root)
        return;
    assert_ok(mkdir("directory", 0755));
    put_file("directory/file", "contents");
    assert_int_equal(change_flags("directory", FS_IMMUTABLE_FL, 0), 0);
    results[0] = open_with("directory/new", O_CREAT | O_RDWR);
    results[1] = result_of(mkdir("directory/new", 0755));
    results[2] = result_of(unlink("directory/file"));
    assert_int_equal(change_flags("directory", 0, FS_IMMUTABLE_FL), 0);
    assert_int_equal(results[0], EPERM);
    assert_int_equal(results[1], EPERM);
    assert_int_equal(results[2], EPERM);
    assert_ok(unlink("directory/file"));
    assert_ok(rmdir("directory"));
}

static void an_append_only_file_is_not_cut(void **state)
{
    int results[3];

    need_flags(fixture_of(state));
    if (!fixture_of(state)->root)
        return;
    put_file("file", "contents");
    assert_int_equal(change_flags("file", FS_APPEND_FL, 0), 0);
    results[0] = open_with("file", O_WRONLY);
    results[1] = result_of(truncate("file", 1));
    results[2] = result_of(unlink("file"));
    assert_int_equal(change_flags("file", 0, FS_APPEND_FL), 0);
    assert_int_equal(results[0], EPERM);
    assert_int_equal(results[1], EPERM);
    assert_int_equal(results[2], EPERM);
    assert_content("file", "contents");
}

/* It is two directories, one of which is gone with the mount. */
static void a_class_root_shows_its_flags_only(void **state)
{
    const struct fixture *fixture = fixture_of(state);

    need_flags(fixture);
    if (fixture->area != AREA_ANON)
        return;
    flags_of(fixture->base);
    int result = change_flags(fixture->base, FS_NODUMP_FL, 0);
    // Which one it is depends on the kernel.
    assert_true(result == EOPNOTSUPP || result == ENOTTY);
}

static void other_commands_are_unknown(void **state)
{
    // The form that 32-bit programs use, which others may name as well, reaches no daemon as one
    // that the kernel has checked.
    const unsigned long set_32 = _IOW('f', 2, int);
    int flags = FS_NODUMP_FL;

    (void)state;
    put_file("file", "contents");
    int fd = open_file("file", O_RDWR);
    assert_errno(ioctl(fd, set_32, &flags), ENOTTY);
    assert_errno(ioctl(fd, _IOR('f', 99, long), &flags), ENOTTY);
    assert_errno(ioctl(fd, TCGETS, &flags), ENOTTY);
    assert_ok(close(fd));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(flags_are_set_and_shown),
    cmocka_unit_test(setting_flags_changes_the_time_of_change),
    cmocka_unit_test(a_renamed_file_keeps_its_flags),
    cmocka_unit_test(an_open_file_needs_no_permission),
    cmocka_unit_test(only_the_owner_sets_flags),
    cmocka_unit_test(an_owner_makes_nothing_immutable),
    cmocka_unit_test(an_immutable_file_stays_as_it_is),
    cmocka_unit_test(an_immutable_file_loses_no_stores),
    cmocka_unit_test(nothing_is_made_in_an_immutable_directory),
    cmocka_unit_test(an_append_only_file_is_not_cut),
    cmocka_unit_test(a_class_root_shows_its_flags_only),
    cmocka_unit_test(other_commands_are_unknown),
};

HARNESS_MAIN("chattr", cases)
