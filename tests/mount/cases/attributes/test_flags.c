// SPDX-License-Identifier: BSD-2-Clause
// Files that may not be changed, or only grow. Their flags are set in the store, which is the only
// area that has any.
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool has_flags(const struct fixture *fixture)
{
    return fixture->area == AREA_PERSIST || fixture->area == AREA_NATIVE;
}

/* The daemon writes what FUSE's page cache holds to where it belongs, which is not the end: such a
 * file refuses that. */
static bool can_append(const struct fixture *fixture)
{
    return has_flags(fixture) && !fixture->cached;
}

static void set_flag(const struct fixture *fixture, const char *name, int flag, bool on)
{
    char path[PATH_MAX];
    int flags;

    if (fixture->area == AREA_PERSIST)
        snprintf(path, sizeof(path), "%s%s/%s", fixture->store, fixture->dir + strlen(fixture->mnt),
                 name);
    else
        snprintf(path, sizeof(path), "%s", name);
    int fd = open_file(path, O_RDONLY);
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
        harness_skip_case("the filesystem has no such files");
    flags = on ? flags | flag : flags & ~flag;
    assert_ok(ioctl(fd, FS_IOC_SETFLAGS, &flags));
    assert_ok(close(fd));
}

/* The result of an open with these flags. */
struct open_attempt {
    int flags;
    int error;
};

/* The flag is taken away again before anything is asserted: a file that nobody can remove must not
 * be left. */
static void assert_opens(const struct fixture *fixture, int flag,
                         const struct open_attempt attempts[], size_t count)
{
    int results[16];

    assert_true(count <= 16);
    put_file("file", "contents");
    stat_of("file");
    set_flag(fixture, "file", flag, true);
    for (size_t i = 0; i < count; i++)
        results[i] = open_with("file", attempts[i].flags);
    set_flag(fixture, "file", flag, false);
    for (size_t i = 0; i < count; i++)
        if (results[i] != attempts[i].error)
            fail_msg("open with flags %#o: errno %d instead of %d", (unsigned)attempts[i].flags,
                     results[i], attempts[i].error);
    assert_content("file", "contents");
    assert_int_equal(open_with("file", O_WRONLY), 0);
    assert_int_equal(open_with("file", O_RDWR | O_TRUNC), 0);
    assert_content("file", "");
}

static void append_only_file_is_opened_for_appending(void **state)
{
    int appending = can_append(fixture_of(state)) ? 0 : EPERM;
    // A mapping could be written anywhere: the kernel does not know of a passthrough file that it
    // may only grow.
    int reading_too = fixture_of(state)->area == AREA_NATIVE ? 0 : EPERM;
    const struct open_attempt attempts[] = {
        { O_WRONLY, EPERM },
        { O_RDWR, EPERM },
        { O_WRONLY | O_CREAT, EPERM },
        { O_WRONLY | O_TRUNC, EPERM },
        { O_WRONLY | O_APPEND | O_TRUNC, EPERM },
        { O_RDWR | O_APPEND | O_TRUNC, EPERM },
        { O_RDONLY, 0 },
        { O_WRONLY | O_APPEND, appending },
        { O_RDWR | O_APPEND, reading_too },
    };

    if (has_flags(fixture_of(state)))
        assert_opens(fixture_of(state), FS_APPEND_FL, attempts,
                     sizeof(attempts) / sizeof(attempts[0]));
}

static void immutable_file_is_not_opened_for_writing(void **state)
{
    static const struct open_attempt attempts[] = {
        { O_WRONLY, EPERM },           { O_RDWR, EPERM }, { O_WRONLY | O_APPEND, EPERM },
        { O_WRONLY | O_TRUNC, EPERM }, { O_RDONLY, 0 },
    };

    if (has_flags(fixture_of(state)))
        assert_opens(fixture_of(state), FS_IMMUTABLE_FL, attempts,
                     sizeof(attempts) / sizeof(attempts[0]));
}

static void append_only_file_grows(void **state)
{
    const struct fixture *fixture = fixture_of(state);

    if (!can_append(fixture))
        return;
    put_file("file", "contents");
    set_flag(fixture, "file", FS_APPEND_FL, true);
    int fd = open("file", O_WRONLY | O_APPEND | O_CLOEXEC);
    ssize_t written = write(fd, " and more", 9);
    int closed = close(fd);
    set_flag(fixture, "file", FS_APPEND_FL, false);
    assert_int_equal(written, 9);
    assert_ok(closed);
    assert_content("file", "contents and more");
}

static void append_only_file_is_not_cut_or_removed(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    int results[3];

    if (!has_flags(fixture))
        return;
    put_file("file", "contents");
    set_flag(fixture, "file", FS_APPEND_FL, true);
    results[0] = result_of(truncate("file", 3));
    results[1] = result_of(unlink("file"));
    results[2] = result_of(rename("file", "other"));
    set_flag(fixture, "file", FS_APPEND_FL, false);
    for (int i = 0; i < 3; i++)
        assert_int_equal(results[i], EPERM);
    assert_content("file", "contents");
    assert_ok(unlink("file"));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(append_only_file_is_opened_for_appending),
    cmocka_unit_test(immutable_file_is_not_opened_for_writing),
    cmocka_unit_test(append_only_file_grows),
    cmocka_unit_test(append_only_file_is_not_cut_or_removed),
};

HARNESS_MAIN("flags", cases)
