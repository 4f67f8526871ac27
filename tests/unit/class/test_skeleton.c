// SPDX-License-Identifier: BSD-2-Clause
/* Skeletons, with an ordinary directory in the RAM area's place. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "lib/class/attributes.h"
#include "lib/class/skeleton.h"
#include "tests/unit/scratch.h"

struct fixture {
    char *path;
    int store, ram;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    if (f == NULL || make_scratch((void **)&f->path) != 0)
        return -1;
    make_area_roots(f->path, &f->store, &f->ram);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    close(f->store);
    close(f->ram);
    int error = remove_scratch((void **)&f->path);
    free(f);
    return error;
}

static void make(int at, const char *name, mode_t mode)
{
    assert_int_equal(mkdirat(at, name, 0700), 0);
    assert_int_equal(fchmodat(at, name, mode, 0), 0);
}

static void make_file(int at, const char *name)
{
    int fd = openat(at, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static bool is_there(int at, const char *name)
{
    return faccessat(at, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static mode_t mode_of(int at, const char *name)
{
    struct stat st;
    assert_int_equal(fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st.st_mode & 07777;
}

static void a_mark_is_set_and_taken_away(void **state)
{
    struct fixture *f = *state;
    assert_false(skeleton_is_kept(f->store));
    assert_int_equal(skeleton_mark(f->store), 0);
    assert_int_equal(skeleton_mark(f->store), 0);
    assert_true(skeleton_is_kept(f->store));
    assert_int_equal(skeleton_unmark(f->store), 0);
    assert_int_equal(skeleton_unmark(f->store), 0);
    assert_false(skeleton_is_kept(f->store));
}

static void directories_are_kept_and_restored(void **state)
{
    struct fixture *f = *state;
    make(f->ram, "a", 02751);
    make(f->ram, "a/b", 0500);
    make_file(f->ram, "a/file");
    assert_int_equal(symlinkat("a", f->ram, "link"), 0);
    make(f->store, "more", 0755); /* as if it had found no room in RAM */
    assert_int_equal(skeleton_keep(f->ram, f->store, S_IXOTH), 0);
    assert_int_equal(mode_of(f->store, "a"), 02751);
    assert_int_equal(mode_of(f->store, "a/b"), 0501);
    assert_false(is_there(f->store, "a/file") || is_there(f->store, "link"));
    assert_true(is_there(f->store, "more"));
    assert_int_equal(skeleton_drop(f->ram), -ENOTEMPTY);
    assert_int_equal(unlinkat(f->ram, "a/file", 0) | unlinkat(f->ram, "link", 0), 0);
    assert_int_equal(skeleton_drop(f->ram), 0);
    assert_int_equal(skeleton_restore(f->store, f->ram, NULL), 0);
    assert_int_equal(mode_of(f->ram, "a"), 02751);
    assert_int_equal(mode_of(f->ram, "a/b"), 0501);
    assert_true(is_there(f->ram, "more"));
}

static void a_name_is_kept_exactly(void **state)
{
    struct fixture *f = *state;
    make(f->ram, "a", 0711);
    make(f->ram, "a/b", 0711);
    make(f->store, "a", 0755);
    make(f->store, "a/other", 0755);
    make(f->store, "a/other/below", 0755);
    assert_int_equal(skeleton_keep_name(f->ram, f->store, "a", 0), 0);
    assert_int_equal(mode_of(f->store, "a"), 0711);
    assert_true(is_there(f->store, "a/b"));
    assert_false(is_there(f->store, "a/other"));
    make_file(f->ram, "c");
    make(f->store, "c", 0755);
    assert_int_equal(skeleton_keep_name(f->ram, f->store, "c", 0), 0);
    assert_int_equal(skeleton_keep_name(f->ram, f->store, "d", 0), 0);
    assert_false(is_there(f->store, "c") || is_there(f->store, "d"));
}

static void nothing_is_followed(void **state)
{
    struct fixture *f = *state;
    make(f->ram, "a", 0755);
    make(f->ram, "a/b", 0755);
    assert_int_equal(symlinkat("../ram/a", f->store, "a"), 0);
    assert_int_equal(skeleton_keep(f->ram, f->store, 0), -EEXIST);
    assert_int_equal(skeleton_keep_name(f->ram, f->store, "a", 0), -EEXIST);
    assert_int_equal(skeleton_keep_new(f->ram, f->store, "a", 0), -EEXIST);
    assert_int_equal(skeleton_remove(f->store, "a"), 0);
    assert_true(is_there(f->store, "a") && is_there(f->ram, "a/b"));
    assert_int_equal(skeleton_is_alone(f->store), 0);
    make(f->ram, "linked", 0755);
    assert_int_equal(skeleton_restore(f->store, f->ram, NULL), 0);
    assert_true(is_there(f->ram, "a/b"));
}

static bool take_one(void *left)
{
    return (*(int *)left)-- > 0;
}

static void upper_directories_come_first(void **state)
{
    struct fixture *f = *state;
    int left = 3;
    struct skeleton_return how = { .take = take_one, .argument = &left };
    make(f->store, "a", 0755);
    make(f->store, "a/b", 0755);
    make(f->store, "c", 0711);
    make(f->store, "c/d", 0711);
    make(f->store, "c/d/e", 0711);
    assert_int_equal(skeleton_restore(f->store, f->ram, &how), 0);
    assert_true(how.full);
    assert_true(is_there(f->ram, "a") && is_there(f->ram, "c"));
    assert_true(is_there(f->ram, "a/b") != is_there(f->ram, "c/d"));
    assert_false(is_there(f->ram, "c/d/e"));
    left = 10;
    assert_int_equal(skeleton_restore(f->store, f->ram, &how), 0);
    assert_false(how.full);
    assert_true(is_there(f->ram, "a/b") && is_there(f->ram, "c/d/e"));
}

enum { DEPTH = 3000 };

/* Deeper than any path, and than there is room for on a stack or among descriptors. */
static void depth_has_no_bound(void **state)
{
    struct fixture *f = *state;
    int at = open_dir(f->store, ".");
    for (int i = 0; i < DEPTH; i++) {
        make(at, "name", 0755);
        int next = open_dir(at, "name");
        close(at);
        at = next;
    }
    close(at);
    assert_int_equal(skeleton_restore(f->store, f->ram, NULL), 0);
    assert_true(is_there(f->ram, "name/name/name"));
    assert_int_equal(skeleton_drop(f->ram), 0);
    assert_int_equal(skeleton_remove(f->store, "name"), 0);
    assert_false(is_there(f->store, "name") || is_there(f->ram, "name"));
}

static void attributes_of_others_stay(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    make(f->ram, "a", 0755);
    make(f->store, "a", 0700);
    if (geteuid() != 0 || fchownat(f->ram, "a", 1234, 1234, 0) != 0 ||
        fchownat(f->store, "a", 4321, 4321, 0) != 0)
        skip_because("no root, who can give files to others");
    int from = open_dir(f->ram, "a"), to = open_dir(f->store, "a");
    assert_int_equal(attributes_copy(from, to, 0), -EPERM);
    close(from);
    close(to);
    assert_int_equal(mode_of(f->store, "a"), 0700);
    make_file(f->store, "a/file");
    assert_int_equal(skeleton_keep_name(f->ram, f->store, "a", 0), -ENOTEMPTY);
    assert_int_equal(unlinkat(f->store, "a/file", 0), 0);
    assert_int_equal(skeleton_keep_name(f->ram, f->store, "a", 0), 0);
    assert_int_equal(fstatat(f->store, "a", &st, 0), 0);
    assert_int_equal(st.st_uid, 1234);
    assert_int_equal(st.st_mode & 07777, 0755);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mark_is_set_and_taken_away), TEST(directories_are_kept_and_restored),
        TEST(a_name_is_kept_exactly),       TEST(nothing_is_followed),
        TEST(upper_directories_come_first), TEST(depth_has_no_bound),
        TEST(attributes_of_others_stay),
    };
    return cmocka_run_group_tests_name("skeleton", tests, NULL, NULL);
}
