// SPDX-License-Identifier: BSD-2-Clause
/* Class roots, with an ordinary directory in the RAM area's place. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "lib/class/class_root.h"
#include "lib/object/object.h"
#include "tests/unit/scratch.h"

struct fixture {
    char *path;
    struct area store, ram;
    int dir; /* in the store */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    if (f == NULL || make_scratch((void **)&f->path) != 0)
        return -1;
    f->store = f->ram = AREA_NONE;
    make_area_roots(f->path, &f->store.root, &f->ram.root);
    assert_int_equal(mkdirat(f->store.root, "dir", 0700), 0);
    f->dir = open_dir(f->store.root, "dir");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    close(f->dir);
    area_close(&f->store);
    area_close(&f->ram);
    int error = remove_scratch((void **)&f->path);
    free(f);
    return error;
}

static void make_file(int dir, const char *name)
{
    int fd = openat(dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static struct statx stat_of(int fd)
{
    struct statx stx;
    assert_int_equal(object_stat(fd, &stx), 0);
    return stx;
}

static void a_class_is_marked_and_unmarked(void **state)
{
    struct fixture *f = *state;
    enum shmap_class class;
    int path_fd = openat(f->store.root, "dir", O_PATH | O_CLOEXEC);
    assert_int_equal(class_root_class(path_fd, &class), -ENODATA);
    assert_int_equal(class_root_mark(path_fd, SHMAP_ANON), 0);
    assert_int_equal(class_root_class(f->dir, &class), 0);
    assert_int_equal(class, SHMAP_ANON);
    assert_int_equal(class_root_unmark(path_fd), 0);
    assert_int_equal(class_root_class(path_fd, &class), -ENODATA);
    close(path_fd);
}

static void a_mark_from_another_hand_is_an_error(void **state)
{
    struct fixture *f = *state;
    enum shmap_class class;
    static const char *const words[] = { "", "anonymous", "ANON",
                                         "a word that is longer than any class could ever be" };
    for (size_t i = 0; i < COUNT(words); i++) {
        assert_int_equal(fsetxattr(f->dir, SHMAP_XATTR_CLASS, words[i], strlen(words[i]), 0), 0);
        assert_int_equal(class_root_class(f->dir, &class), -EIO);
    }
}

static void emptiness_is_seen(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(class_root_is_empty(f->dir), 1);
    make_file(f->dir, ".hidden");
    assert_int_equal(class_root_is_empty(f->dir), 0);
    assert_int_equal(class_root_is_empty(f->dir), 0); /* asking twice makes no difference */
    assert_int_equal(unlinkat(f->dir, ".hidden", 0), 0);
    assert_int_equal(class_root_is_empty(f->dir), 1);
    assert_true(class_root_is_empty(-1) < 0);
}

static void the_contents_take_after_the_store_directory(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fchmod(f->dir, 02751), 0);
    assert_int_equal(fsetxattr(f->dir, "user.colour", "green", 5, 0), 0);
    assert_int_equal(class_root_mark(f->dir, SHMAP_ANON), 0);
    struct statx stx = stat_of(f->dir);
    int contents = class_root_open(&f->ram, f->dir, &stx, NULL);
    assert_true(contents >= 0);
    struct statx made = stat_of(contents);
    assert_int_equal(made.stx_mode, stx.stx_mode);
    assert_int_equal(made.stx_uid, stx.stx_uid);
    char value[8];
    struct object_path path;
    assert_int_equal(getxattr(object_path_of(contents, &path), "user.colour", value, 8), 5);
    enum shmap_class class;
    assert_int_equal(class_root_class(contents, &class), -ENODATA);
    close(contents);
}

static void a_class_root_finds_its_contents_again(void **state)
{
    struct fixture *f = *state;
    struct statx stx = stat_of(f->dir);
    int contents = class_root_open(&f->ram, f->dir, &stx, NULL);
    struct statx first = stat_of(contents);
    close(contents);
    assert_int_equal(renameat(f->store.root, "dir", f->store.root, "renamed"), 0);
    stx = stat_of(f->dir);
    contents = class_root_open(&f->ram, f->dir, &stx, NULL);
    struct statx second = stat_of(contents);
    assert_true(first.stx_ino == second.stx_ino);

    assert_int_equal(mkdirat(f->store.root, "dir", 0700), 0); /* another one by the old name */
    int other = open_dir(f->store.root, "dir");
    stx = stat_of(other);
    int other_contents = class_root_open(&f->ram, other, &stx, NULL);
    second = stat_of(other_contents);
    assert_true(first.stx_ino != second.stx_ino);
    close(other_contents);
    close(other);
    close(contents);
}

static void contents_are_removed_only_when_empty(void **state)
{
    struct fixture *f = *state;
    struct statx stx = stat_of(f->dir);
    int contents = class_root_open(&f->ram, f->dir, &stx, NULL);
    make_file(contents, "file");
    assert_int_equal(class_root_remove(&f->ram, &stx), -ENOTEMPTY);
    assert_int_equal(unlinkat(contents, "file", 0), 0);
    assert_int_equal(class_root_remove(&f->ram, &stx), 0);
    assert_int_equal(class_root_remove(&f->ram, &stx), 0); /* it is gone already */
    assert_int_equal(class_root_is_empty(f->ram.root), 1);
    close(contents);
}

static const struct ram_options TOP = { .mode = 01777, .uid = (uid_t)-1, .gid = (gid_t)-1 };

static void assert_prepared(struct fixture *f, const char *path)
{
    struct complaint complaint = { "" };
    if (class_root_prepare(&f->store, SHMAP_ANON, path, &TOP, &complaint) != 0)
        fail_msg("%s: %s", path, complaint.text);
    int dir = open_dir(f->store.root, path);
    enum shmap_class class;
    assert_int_equal(class_root_class(dir, &class), 0);
    assert_int_equal(class, SHMAP_ANON);
    close(dir);
}

static void class_roots_are_made_with_the_way_to_them(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    mode_t umask_before = umask(077);
    assert_prepared(f, "dir");
    assert_prepared(f, "dir"); /* as on the next mount */
    assert_prepared(f, "new");
    umask(022);
    assert_prepared(f, "a/long/way");
    umask(umask_before);
    assert_int_equal(fstatat(f->store.root, "new", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 01777);
    assert_int_equal(fstatat(f->store.root, "a/long", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
}

static void assert_not_prepared(struct fixture *f, const char *path, const char *word)
{
    struct complaint complaint = { "" };
    assert_true(class_root_prepare(&f->store, SHMAP_ANON, path, &TOP, &complaint) < 0);
    if (strstr(complaint.text, path) == NULL || strstr(complaint.text, word) == NULL)
        fail_msg("'%s' has no '%s' or '%s'", complaint.text, path, word);
}

static void what_cannot_be_a_class_root_is_explained(void **state)
{
    struct fixture *f = *state;
    make_file(f->dir, "file");
    assert_not_prepared(f, "dir", "not empty");
    assert_not_prepared(f, "dir/file", "directory");
    assert_not_prepared(f, "../outside", "below the store");
    assert_not_prepared(f, "dir/../../outside", "below the store");
    assert_not_prepared(f, "/tmp", "below the store");
    assert_int_equal(symlinkat("/", f->store.root, "link"), 0);
    assert_not_prepared(f, "link", "below the store");
    assert_not_prepared(f, "link/new", "below the store");
    struct stat st;
    assert_int_equal(fstatat(f->store.root, "../outside", &st, 0), -1);

    assert_int_equal(mkdirat(f->store.root, "other", 0700), 0);
    int other = open_dir(f->store.root, "other");
    assert_int_equal(class_root_mark(other, SHMAP_CHECKPOINT), 0);
    assert_not_prepared(f, "other", "checkpoint");
    close(other);
}

static void what_would_be_hidden_is_no_class_root(void **state)
{
    struct fixture *f = *state;
    assert_prepared(f, "dir");
    make_file(f->dir, "put here while nothing was mounted");
    assert_not_prepared(f, "dir", "not empty");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_class_is_marked_and_unmarked),
        TEST(a_mark_from_another_hand_is_an_error),
        TEST(emptiness_is_seen),
        TEST(the_contents_take_after_the_store_directory),
        TEST(a_class_root_finds_its_contents_again),
        TEST(contents_are_removed_only_when_empty),
        TEST(class_roots_are_made_with_the_way_to_them),
        TEST(what_cannot_be_a_class_root_is_explained),
        TEST(what_would_be_hidden_is_no_class_root),
    };
    return cmocka_run_group_tests_name("class_root", tests, NULL, NULL);
}
