// SPDX-License-Identifier: BSD-2-Clause
// Anonymous directories in a store: renamed, removed, given attributes; how the store itself looks.
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* These cases are about directories of the store: there is nothing to see in the other areas. */
static bool has_store_here(const struct fixture *fixture)
{
    return fixture->area == AREA_PERSIST;
}

/* The same path, in the store itself. */
static const char *in_store(const struct fixture *fixture, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s%s/%s", fixture->store, fixture->dir + strlen(fixture->mnt), name);
    return path;
}

static unsigned entries(const char *path)
{
    DIR *directory = opendir(path);
    unsigned count = 0;

    assert_non_null(directory);
    while (readdir(directory) != NULL)
        count++;
    assert_ok(closedir(directory));
    return count - 2;
}

static void store_has_an_empty_directory_with_the_attribute(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    char path[PATH_MAX], word[64] = "";

    if (!has_store_here(fixture))
        return;
    make_class_root("root", "anon");
    put_file("root/file", "");
    assert_ok(mkdir("root/directory", 0755));
    put_file("root/directory/file", "");
    assert_int_equal(entries("root"), 2);
    assert_int_equal(entries(in_store(fixture, "root", path)), 0);
    assert_int_equal(getxattr(path, "user.shmapfs.class_root", word, sizeof(word)), 4);
    assert_string_equal(word, "anon");
}

static void no_contents_reach_the_store(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    char path[PATH_MAX];
    char *mapping;

    if (!has_store_here(fixture))
        return;
    make_class_root("root", "anon");
    int fd = open_file("root/file", O_RDWR | O_CREAT);
    assert_ok(ftruncate(fd, 4096));
    mapping = map_shared(fd, 4096);
    strcpy(mapping, "secret");
    assert_ok(msync(mapping, 4096, MS_SYNC));
    assert_ok(fsync(fd));
    assert_int_equal(entries(in_store(fixture, "root", path)), 0);
    unmap(mapping, 4096);
    assert_ok(close(fd));
}

static void renamed_with_its_contents(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    char path[PATH_MAX];

    if (!has_store_here(fixture))
        return;
    make_class_root("root", "anon");
    put_file("root/file", "contents");
    int fd = open_file("root/file", O_RDWR);
    char *mapping = map_shared(fd, 9);
    assert_ok(mkdir("parent", 0755));
    assert_ok(rename("root", "parent/renamed"));
    assert_content("parent/renamed/file", "contents");
    assert_class("parent/renamed/file", "anon");
    mapping[0] = 'C';
    assert_content("parent/renamed/file", "Contents");
    assert_false(exists("root"));
    assert_false(exists(in_store(fixture, "root", path)));
    assert_int_equal(entries(in_store(fixture, "parent/renamed", path)), 0);
    // The directory that it is in can be moved as well.
    assert_ok(rename("parent", "elsewhere"));
    assert_content("elsewhere/renamed/file", "Contents");
    unmap(mapping, 9);
    assert_ok(close(fd));
}

static void not_renamed_into_an_anonymous_directory(void **state)
{
    if (!has_store_here(fixture_of(state)))
        return;
    make_class_root("root", "anon");
    make_class_root("other", "anon");
    put_file("root/file", "contents");
    assert_errno(rename("root", "other/root"), EXDEV);
    assert_errno(rename("root/file", "file"), EXDEV);
    // Two anonymous directories are one area.
    assert_ok(rename("root/file", "other/file"));
    assert_content("other/file", "contents");
    assert_ok(link("other/file", "root/linked"));
    assert_int_equal(stat_of("root/linked").st_nlink, 2);
}

static void removed_only_when_empty(void **state)
{
    if (!has_store_here(fixture_of(state)))
        return;
    make_class_root("root", "anon");
    put_file("root/file", "contents");
    assert_errno(rmdir("root"), ENOTEMPTY);
    assert_content("root/file", "contents");
    assert_ok(unlink("root/file"));
    assert_ok(rmdir("root"));
    assert_false(exists("root"));
    assert_ok(mkdir("root", 0755));
    assert_class("root", "persist");
    assert_int_equal(entries("root"), 0);
    assert_ok(set_class("root", "anon"));
    assert_int_equal(entries("root"), 0);
}

static void replaced_only_when_empty(void **state)
{
    if (!has_store_here(fixture_of(state)))
        return;
    make_class_root("root", "anon");
    put_file("root/file", "contents");
    assert_ok(mkdir("plain", 0755));
    put_file("plain/other", "persisted");
    assert_errno(rename("plain", "root"), ENOTEMPTY);
    assert_content("root/file", "contents");
    assert_content("plain/other", "persisted");
    assert_ok(unlink("root/file"));
    assert_ok(rename("plain", "root"));
    assert_class("root", "persist");
    assert_content("root/other", "persisted");
    assert_int_equal(entries("root"), 1);
}

static void replaces_an_empty_directory(void **state)
{
    if (!has_store_here(fixture_of(state)))
        return;
    make_class_root("root", "anon");
    put_file("root/file", "contents");
    assert_ok(mkdir("plain", 0755));
    assert_ok(rename("root", "plain"));
    assert_class("plain", "anon");
    assert_content("plain/file", "contents");
    make_class_root("second", "anon");
    put_file("second/file", "second");
    assert_errno(rename("second", "plain"), ENOTEMPTY);
    assert_content("plain/file", "contents");
    assert_ok(unlink("plain/file"));
    assert_ok(rename("second", "plain"));
    assert_content("plain/file", "second");
}

static void exchanged_with_its_contents(void **state)
{
    if (!has_store_here(fixture_of(state)))
        return;
    make_class_root("root", "anon");
    put_file("root/file", "anonymous");
    assert_ok(mkdir("plain", 0755));
    put_file("plain/file", "persisted");
    assert_ok(renameat2(AT_FDCWD, "root", AT_FDCWD, "plain", RENAME_EXCHANGE));
    assert_content("root/file", "persisted");
    assert_content("plain/file", "anonymous");
    assert_class("root", "persist");
    assert_class("plain/file", "anon");
}

static void attributes_are_shown_and_stored(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    char path[PATH_MAX], value[8] = "";

    if (!has_store_here(fixture))
        return;
    make_class_root("root", "anon");
    put_file("root/file", "");
    assert_ok(chmod("root", 02750));
    bool has_attributes = has_user_attributes("root");
    if (has_attributes)
        assert_ok(setxattr("root", "user.mine", "x", 1, 0));
    struct timespec times[2] = { { .tv_sec = 1000000, .tv_nsec = 5 },
                                 { .tv_sec = 2000000, .tv_nsec = 7 } };
    assert_ok(utimensat(AT_FDCWD, "root", times, 0));
    assert_int_equal(stat_of("root").st_mode, S_IFDIR | 02750);
    assert_int_equal(stat_of("root").st_mtim.tv_sec, 2000000);
    in_store(fixture, "root", path);
    assert_int_equal(stat_of(path).st_mode, S_IFDIR | 02750);
    assert_int_equal(getxattr(path, "user.mine", value, sizeof(value)), has_attributes ? 1 : -1);
    assert_int_equal(getxattr("root", "user.mine", value, sizeof(value)), has_attributes ? 1 : -1);
    // A new file below changes the directory's time, as anywhere.
    put_file("root/second", "");
    assert_true(stat_of("root").st_mtim.tv_sec > 2000000);
    assert_int_equal(stat_of("root").st_nlink, 2);
    assert_ok(mkdir("root/directory", 0755));
    assert_int_equal(stat_of("root").st_nlink, 3);
}

/* The attributes that the kernel keeps at least: it asks anew for the time of the change itself. */
static struct statx kept_of(const char *path)
{
    struct statx stx;

    assert_ok(statx(AT_FDCWD, path, 0, STATX_MTIME | STATX_NLINK | STATX_SIZE, &stx));
    return stx;
}

static void attributes_are_the_stores_when_it_is_plain_again(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    char path[PATH_MAX];

    if (!has_store_here(fixture))
        return;
    for (int i = 0; i < 2; i++) {
        make_class_root("root", "anon");
        next_tick();
        put_file("root/file", "");
        assert_ok(unlink("root/file"));
        stat_of("root");
        if (i == 0)
            assert_ok(unset_class("root"));
        else
            assert_ok(set_class("root", "persist"));
        struct statx here = kept_of("root"), there = kept_of(in_store(fixture, "root", path));
        assert_int_equal(here.stx_mtime.tv_sec, there.stx_mtime.tv_sec);
        assert_int_equal(here.stx_mtime.tv_nsec, there.stx_mtime.tv_nsec);
        assert_int_equal(here.stx_size, there.stx_size);
        assert_int_equal(here.stx_nlink, there.stx_nlink);
        assert_ok(rmdir("root"));
    }
}

static void group_is_inherited_from_it(void **state)
{
    const struct fixture *fixture = fixture_of(state);

    if (!has_store_here(fixture) || !fixture->root)
        return;
    make_class_root("root", "anon");
    put_file("root/before", "");
    assert_int_equal(stat_of("root/before").st_gid, 0);
    assert_ok(chown("root", 0, 4321));
    assert_ok(chmod("root", 02775));
    put_file("root/file", "");
    assert_int_equal(stat_of("root/file").st_gid, 4321);
    assert_ok(mkdir("root/directory", 0755));
    assert_int_equal(stat_of("root/directory").st_gid, 4321);
    assert_true(stat_of("root/directory").st_mode & S_ISGID);
}

static int look_inside(void *argument)
{
    (void)argument;
    coprocess_check(access("root/file", F_OK) == -1 && errno == EACCES);
    coprocess_check(open("root/new", O_WRONLY | O_CREAT, 0644) == -1 && errno == EACCES);
    return 0;
}

static void its_permissions_are_in_force(void **state)
{
    const struct fixture *fixture = fixture_of(state);

    if (!has_store_here(fixture) || !fixture->root)
        return;
    make_class_root("root", "anon");
    put_file("root/file", "");
    assert_ok(chmod("root", 0700));
    assert_int_equal(harness_as(1234, 1234, 0, NULL, look_inside, NULL), 0);
}

static void open_directory_follows_its_class(void **state)
{
    struct dirent *entry;
    bool found = false;

    if (!has_store_here(fixture_of(state)))
        return;
    assert_ok(mkdir("root", 0755));
    DIR *directory = opendir("root");
    assert_non_null(directory);
    assert_ok(set_class("root", "anon"));
    put_file("root/file", "contents");
    while ((entry = readdir(directory)) != NULL)
        found = found || strcmp(entry->d_name, "file") == 0;
    assert_true(found);
    assert_ok(closedir(directory));
}

static void many_class_roots(void **state)
{
    char path[64];

    if (!has_store_here(fixture_of(state)))
        return;
    for (int i = 0; i < 200; i++) {
        snprintf(path, sizeof(path), "root%d", i);
        make_class_root(path, "anon");
        snprintf(path, sizeof(path), "root%d/file", i);
        put_file(path, path);
    }
    for (int i = 0; i < 200; i++) {
        snprintf(path, sizeof(path), "root%d/file", i);
        assert_content(path, path);
    }
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(store_has_an_empty_directory_with_the_attribute),
    cmocka_unit_test(no_contents_reach_the_store),
    cmocka_unit_test(renamed_with_its_contents),
    cmocka_unit_test(not_renamed_into_an_anonymous_directory),
    cmocka_unit_test(removed_only_when_empty),
    cmocka_unit_test(replaced_only_when_empty),
    cmocka_unit_test(replaces_an_empty_directory),
    cmocka_unit_test(exchanged_with_its_contents),
    cmocka_unit_test(attributes_are_shown_and_stored),
    cmocka_unit_test(attributes_are_the_stores_when_it_is_plain_again),
    cmocka_unit_test(group_is_inherited_from_it),
    cmocka_unit_test(its_permissions_are_in_force),
    cmocka_unit_test(open_directory_follows_its_class),
    cmocka_unit_test(many_class_roots),
};

HARNESS_MAIN("class_root", cases)
