// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>

#include "lib/object/object.h"
#include "tests/unit/scratch.h"

static int open_scratch(void **state)
{
    return open_dir(AT_FDCWD, *state);
}

static int make_file(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static void assert_same(int a, int b)
{
    struct statx first, second;
    assert_int_equal(object_stat(a, &first), 0);
    assert_int_equal(object_stat(b, &second), 0);
    assert_true(first.stx_ino == second.stx_ino);
    assert_true(object_birth(&first) == object_birth(&second));
}

static void the_birth_time_is_in_nanoseconds(void **state)
{
    (void)state;
    struct statx stx = { .stx_mask = STATX_BASIC_STATS };
    stx.stx_btime.tv_sec = 5;
    stx.stx_btime.tv_nsec = 7;
    assert_int_equal(object_birth(&stx), 0); /* not told */
    stx.stx_mask |= STATX_BTIME;
    assert_true(object_birth(&stx) == 5000000007);
}

static void an_o_path_descriptor_will_do(void **state)
{
    int dir = open_scratch(state), fd = make_file(dir, "file");
    int path_fd = openat(dir, "file", O_PATH | O_CLOEXEC);
    assert_same(fd, path_fd);
    int again = object_reopen(path_fd, O_WRONLY);
    assert_true(again >= 0);
    assert_int_equal(write(again, "x", 1), 1);
    assert_same(fd, again);
    assert_int_equal(fcntl(again, F_GETFD), FD_CLOEXEC);
    close(again);
    close(path_fd);
    close(fd);
    close(dir);
    struct statx stx;
    assert_int_equal(object_stat(dir, &stx), -EBADF);
    assert_true(object_reopen(dir, O_RDONLY) < 0);
}

static void a_symlink_stands_for_itself(void **state)
{
    int dir = open_scratch(state);
    assert_int_equal(symlinkat("nowhere", dir, "link"), 0);
    int link = openat(dir, "link", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct statx stx;
    assert_int_equal(object_stat(link, &stx), 0);
    assert_true(S_ISLNK(stx.stx_mode));
    struct object_path path;
    struct stat st;
    assert_int_equal(stat(object_path_of(link, &path), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    close(link);
    close(dir);
}

static void a_handle_opens_the_object_while_it_lives(void **state)
{
    int dir = open_scratch(state), fd = make_file(dir, "old name");
    struct object_handle handle = { 0 };
    int error = object_handle_of(fd, &handle);
    if ((error == -EOPNOTSUPP || error == -EOVERFLOW) && getenv("SHMAPFS_NO_SKIP") == NULL)
        skip_because("the filesystem that the tests run on has no file handles that fit");
    assert_int_equal(error, 0);
    assert_in_range(handle.length, 1, OBJECT_HANDLE_MAX);
    assert_int_equal(renameat(dir, "old name", dir, "new name"), 0);
    int again = object_open(dir, &handle, O_PATH);
    if (geteuid() != 0) {
        assert_int_equal(again, -EPERM);
    } else {
        assert_true(again >= 0);
        assert_same(fd, again);
        close(again);
        assert_int_equal(unlinkat(dir, "new name", 0), 0);
        close(fd);
        fd = -1;
        assert_int_equal(object_open(dir, &handle, O_PATH), -ESTALE);
    }
    close(fd);
    close(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_birth_time_is_in_nanoseconds),
        SCRATCH_TEST(an_o_path_descriptor_will_do),
        SCRATCH_TEST(a_symlink_stands_for_itself),
        SCRATCH_TEST(a_handle_opens_the_object_while_it_lives),
    };
    return cmocka_run_group_tests_name("object", tests, NULL, NULL);
}
