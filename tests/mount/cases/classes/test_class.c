// SPDX-License-Identifier: BSD-2-Clause
// The class of a directory: read, set, inherited, refused; what cannot cross from one class to the
// other.
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/harness.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The class of the area under test. */
static const char *own_class(const struct fixture *fixture)
{
    if (fixture->class != NULL)
        return fixture->class;
    return fixture->area == AREA_PERSIST ? "persist" : "anon";
}

/* A path in the other area of the mount; only with a store there is one. */
static const char *elsewhere(const struct fixture *fixture, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s/%s", fixture->mnt,
             fixture->area == AREA_PERSIST ? "anon" : "persist", name);
    return path;
}

static void files_and_directories_tell_their_class(void **state)
{
    const char *own = own_class(fixture_of(state));
    char word[64] = "";

    put_file("file", "");
    assert_ok(mkdir("directory", 0755));
    put_file("directory/file", "");
    assert_class(".", own);
    assert_class("file", own);
    assert_class("directory", own);
    assert_class("directory/file", own);
    int fd = open_file("file", O_RDONLY);
    assert_ok(unlink("file"));
    assert_int_equal(fgetxattr(fd, "user.shmapfs.class", word, sizeof(word)), strlen(own));
    assert_string_equal(word, own);
    assert_ok(close(fd));
    assert_int_equal(getxattr(".", "user.shmapfs.class", NULL, 0), strlen(own));
    assert_errno(getxattr(".", "user.shmapfs.class", word, 2), ERANGE);
    assert_errno(getxattr("nothing", "user.shmapfs.class", word, sizeof(word)), ENOENT);
}

static void class_is_not_listed(void **state)
{
    char names[4096];

    (void)state;
    assert_ok(mkdir("root", 0755));
    assert_ok(set_class("root", "anon"));
    need_user_attributes("root");
    assert_ok(setxattr("root", "user.mine", "x", 1, 0));
    ssize_t length = listxattr("root", names, sizeof(names));
    assert_ok(length);
    bool found = false;
    for (char *name = names; name < names + length; name += strlen(name) + 1) {
        assert_true(strncmp(name, "user.shmapfs.", 13) != 0);
        found = found || strcmp(name, "user.mine") == 0;
    }
    assert_true(found);
}

static void class_is_inherited(void **state)
{
    (void)state;
    make_class_root("root", "anon");
    assert_class("root", "anon");
    assert_ok(mkdir("root/directory", 0755));
    assert_class("root/directory", "anon");
    put_file("root/directory/file", "contents");
    assert_class("root/directory/file", "anon");
    assert_content("root/directory/file", "contents");
    assert_ok(link("root/directory/file", "root/linked"));
    assert_ok(rename("root/directory/file", "root/file"));
    assert_class("root/file", "anon");
}

static void only_an_empty_directory_changes(void **state)
{
    (void)state;
    assert_ok(mkdir("directory", 0755));
    put_file("directory/file", "");
    const char *other = fixture_of(state)->area == AREA_PERSIST ? "anon" : NULL;
    if (other != NULL) {
        assert_errno(set_class("directory", other), ENOTEMPTY);
        assert_class("directory", own_class(fixture_of(state)));
        assert_ok(unlink("directory/file"));
        assert_ok(set_class("directory", other));
        put_file("directory/file", "");
        assert_errno(set_class("directory", "persist"), ENOTEMPTY);
        assert_errno(unset_class("directory"), ENOTEMPTY);
        assert_class("directory/file", other);
        assert_ok(unlink("directory/file"));
        assert_ok(set_class("directory", "persist"));
        assert_class("directory", "persist");
        put_file("directory/file", "");
        assert_class("directory/file", "persist");
        return;
    }
    // Only a file that lasts can have another class than its directory.
    assert_errno(set_class("directory/file", "anon"), ENOTDIR);
}

static void unknown_classes_are_refused(void **state)
{
    static const char *const words[] = {
        "bogus", "", "persistent", "ANON", "anon ", " anon", "ano"
    };

    (void)state;
    assert_ok(mkdir("directory", 0755));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_errno(set_class("directory", words[i]), EINVAL);
    assert_errno(setxattr("directory", "user.shmapfs.class", "anon", 5, 0), EINVAL);
    assert_class("directory", own_class(fixture_of(state)));
}

static void classes_that_cannot_be_here(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    bool persist = fixture->area == AREA_PERSIST;

    assert_ok(mkdir("directory", 0755));
    if (!persist) {
        assert_errno(set_class("directory", "atomic"), EINVAL);
        assert_errno(set_class("directory", "checkpoint"), EINVAL);
        assert_errno(set_class("directory", "persist"), EINVAL);
    }
    assert_class("directory", own_class(fixture));
    // The class that a directory has by itself can be said again.
    assert_ok(set_class("directory", own_class(fixture)));
    assert_class("directory", own_class(fixture));
    make_class_root("anonymous", "anon");
    assert_ok(mkdir("anonymous/below", 0755));
    assert_errno(set_class("anonymous/below", "persist"), EINVAL);
    assert_errno(set_class("anonymous/below", "atomic"), EINVAL);
    assert_class("anonymous/below", "anon");
}

static void root_of_the_mount_keeps_its_class(void **state)
{
    const struct fixture *fixture = fixture_of(state);

    assert_class(fixture->mnt, fixture->store != NULL ? "persist" : "anon");
    assert_errno(set_class(fixture->mnt, fixture->store != NULL ? "anon" : "persist"), EINVAL);
    assert_class(fixture->mnt, fixture->store != NULL ? "persist" : "anon");
}

static void class_is_taken_away(void **state)
{
    (void)state;
    assert_ok(mkdir("plain", 0755));
    assert_errno(unset_class("plain"), ENODATA);
    if (fixture_of(state)->area != AREA_PERSIST)
        return;
    make_class_root("root", "anon");
    put_file("root/file", "");
    assert_errno(unset_class("root"), ENOTEMPTY);
    assert_ok(unlink("root/file"));
    assert_ok(unset_class("root"));
    assert_class("root", "persist");
    put_file("root/file", "");
    assert_class("root/file", "persist");
}

static void nothing_is_renamed_or_linked_across(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    char file[PATH_MAX], directory[PATH_MAX], other[PATH_MAX];

    if (fixture->store == NULL)
        return; // There is one area only.
    put_file("file", "here");
    assert_ok(mkdir("directory", 0755));
    assert_ok(mkdir("existing", 0755));
    put_file(elsewhere(fixture, "file", file), "there");
    assert_ok(mkdir(elsewhere(fixture, "directory", directory), 0755));
    elsewhere(fixture, "other", other);

    assert_errno(rename("file", other), EXDEV);
    assert_errno(rename("file", file), EXDEV);
    assert_errno(rename(file, "file"), EXDEV);
    assert_errno(rename(file, "other"), EXDEV);
    assert_errno(rename("directory", other), EXDEV);
    assert_errno(rename("directory", directory), EXDEV);
    assert_errno(rename(directory, "other"), EXDEV);
    assert_errno(rename(directory, "existing"), EXDEV);
    assert_errno(link("file", other), EXDEV);
    assert_errno(link(file, "other"), EXDEV);
    assert_errno(renameat2(AT_FDCWD, "file", AT_FDCWD, file, RENAME_EXCHANGE), EXDEV);
    assert_errno(renameat2(AT_FDCWD, "file", AT_FDCWD, other, RENAME_NOREPLACE), EXDEV);

    assert_content("file", "here");
    assert_content(file, "there");
    assert_false(exists("other"));
    assert_false(exists(other));
    assert_ok(unlink(file));
    assert_ok(rmdir(directory));
}

static int move(const char *from, const char *to)
{
    char command[3 * PATH_MAX];

    snprintf(command, sizeof(command), "mv '%s' '%s'", from, to);
    fflush(NULL);
    return WEXITSTATUS(system(command));
}

static void mv_moves_across(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    char other[PATH_MAX], inside[2 * PATH_MAX];

    if (fixture->store == NULL)
        return; // There is one area only.
    assert_ok(mkdir("directory", 0750));
    put_file("directory/file", "contents");
    assert_ok(chmod("directory/file", 0640));
    assert_ok(symlink("file", "directory/symlink"));
    assert_int_equal(move("directory", elsewhere(fixture, "moved", other)), 0);
    assert_false(exists("directory"));
    snprintf(inside, sizeof(inside), "%s/symlink", other);
    assert_content(inside, "contents");
    assert_int_equal(stat_of(inside).st_mode, S_IFREG | 0640);
    assert_class(inside, fixture->area == AREA_PERSIST ? "anon" : "persist");
    assert_int_equal(move(other, "back"), 0);
    assert_false(exists(other));
    assert_content("back/file", "contents");
    assert_int_equal(stat_of("back").st_mode, S_IFDIR | 0750);
}

static void areas_differ_in_inode_numbers_and_statfs(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    char other[PATH_MAX];

    if (fixture->store == NULL)
        return; // There is one area only.
    put_file("file", "here");
    put_file(elsewhere(fixture, "file", other), "there");
    assert_true(stat_of("file").st_ino != stat_of(other).st_ino);
    assert_int_equal(stat_of("file").st_dev, stat_of(other).st_dev);
    struct statfs here, there;
    assert_ok(statfs("file", &here));
    assert_ok(statfs(other, &there));
    assert_true(here.f_blocks * (uint64_t)here.f_bsize != there.f_blocks * (uint64_t)there.f_bsize);
    assert_ok(unlink(other));
}

static int set_by_stranger(void *argument)
{
    const char *path = argument;

    coprocess_check(set_class(path, "anon") == -1 && errno == EPERM);
    coprocess_check(unset_class(path) == -1 && errno == EPERM);
    return 0;
}

static int set_by_owner(void *argument)
{
    coprocess_check(set_class(argument, "anon") == 0);
    return 0;
}

static void owner_and_root_set_the_class(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    char directory[] = "directory";

    assert_ok(mkdir(directory, 0755));
    assert_ok(chmod(directory, 0777));
    if (!fixture->root) {
        assert_ok(set_class(directory, "anon"));
        return;
    }
    assert_int_equal(harness_as(1234, 1234, 0, NULL, set_by_stranger, directory), 0);
    assert_class(directory, own_class(fixture));
    assert_ok(chown(directory, 1234, 1234));
    assert_int_equal(harness_as(1234, 1234, 0, NULL, set_by_owner, directory), 0);
    assert_class(directory, "anon");
    assert_int_equal(stat_of(directory).st_uid, 1234);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(files_and_directories_tell_their_class),
    cmocka_unit_test(class_is_not_listed),
    cmocka_unit_test(class_is_inherited),
    cmocka_unit_test(only_an_empty_directory_changes),
    cmocka_unit_test(unknown_classes_are_refused),
    cmocka_unit_test(classes_that_cannot_be_here),
    cmocka_unit_test(root_of_the_mount_keeps_its_class),
    cmocka_unit_test(class_is_taken_away),
    cmocka_unit_test(nothing_is_renamed_or_linked_across),
    cmocka_unit_test(mv_moves_across),
    cmocka_unit_test(areas_differ_in_inode_numbers_and_statfs),
    cmocka_unit_test(owner_and_root_set_the_class),
};

HARNESS_MAIN("class", cases)
