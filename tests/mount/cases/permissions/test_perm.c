// SPDX-License-Identifier: BSD-2-Clause
// Several users on one mount: who may do what. Run as root, who becomes each of them. test_owner.c
// is about who owns what.
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int list_directory(void *path)
{
    return open_with(path, O_RDONLY | O_DIRECTORY);
}

static int open_without_atime(void *path)
{
    return open_with(path, O_RDONLY | O_NOATIME);
}

static int unlink_file(void *path)
{
    return result_of(unlink(path));
}

static int remove_directory(void *path)
{
    return result_of(rmdir(path));
}

static int rename_away(void *path)
{
    return result_of(rename(path, "moved"));
}

static int truncate_file(void *path)
{
    return result_of(truncate(path, 1));
}

static int change_mode(void *path)
{
    return result_of(chmod(path, 0666));
}

static int take_over(void *path)
{
    return result_of(chown(path, geteuid(), (gid_t)-1));
}

static int give_to_team(void *path)
{
    return result_of(chown(path, (uid_t)-1, TEAM));
}

static int set_times(void *path)
{
    return result_of(utimensat(AT_FDCWD, path, (struct timespec[2]){ { 1, 0 }, { 1, 0 } }, 0));
}

static int touch(void *path)
{
    return result_of(utimensat(AT_FDCWD, path, NULL, 0));
}

static int find_path(void *path)
{
    return result_of(access(path, F_OK));
}

static void supplementary_groups_count(void **state)
{
    (void)state;
    gid_t many[60];
    for (int i = 0; i < 60; i++)
        many[i] = (gid_t)(3000 + i);
    many[59] = TEAM;
    prepare_file("file", 0, TEAM, 0640);
    prepare_directory("directory", 0, TEAM, 0770);
    assert_int_equal(as(ALICE, read_file, "file"), EACCES);
    assert_int_equal(as_member(ALICE, STAFF, read_file, "file"), EACCES);
    assert_int_equal(as_member(ALICE, TEAM, read_file, "file"), 0);
    assert_int_equal(as_member(ALICE, TEAM, write_file, "file"), EACCES);
    assert_int_equal(harness_as(ALICE, ALICE, 60, many, read_file, (char *)"file"), 0);
    assert_int_equal(as(ALICE, create_file, "directory/file"), EACCES);
    assert_int_equal(as_member(ALICE, TEAM, create_file, "directory/file"), 0);
    assert_int_equal(stat_of("directory/file").st_gid, ALICE);
    assert_int_equal(harness_as(BOB, BOB, 60, many, create_file, (char *)"directory/second"), 0);
}

static void groups_may_be_given_to_members_only(void **state)
{
    (void)state;
    prepare_file("file", ALICE, ALICE, 0644);
    assert_int_equal(as(ALICE, give_to_team, "file"), EPERM);
    assert_int_equal(as_member(BOB, TEAM, give_to_team, "file"), EPERM);
    assert_int_equal(as_member(ALICE, TEAM, give_to_team, "file"), 0);
    assert_int_equal(stat_of("file").st_gid, TEAM);
    assert_int_equal(as(BOB, take_over, "file"), EPERM);
    assert_int_equal(stat_of("file").st_uid, ALICE);
}

static void only_the_owner_changes_attributes(void **state)
{
    (void)state;
    prepare_file("file", ALICE, ALICE, 0666);
    assert_int_equal(as(BOB, change_mode, "file"), EPERM);
    assert_int_equal(as(BOB, set_times, "file"), EPERM);
    assert_int_equal(as(BOB, touch, "file"), 0); // who may write may say «now»
    assert_int_equal(as(BOB, open_without_atime, "file"), EPERM);
    assert_int_equal(as(ALICE, set_times, "file"), 0);
    assert_int_equal(as(ALICE, open_without_atime, "file"), 0);
    assert_ok(chmod("file", 0644));
    assert_int_equal(as(BOB, touch, "file"), EACCES);
    assert_int_equal(as(BOB, truncate_file, "file"), EACCES);
    assert_int_equal(as(ALICE, change_mode, "file"), 0);
}

static void modes_of_owner_group_and_others(void **state)
{
    (void)state;
    prepare_file("file", ALICE, TEAM, 0640);
    assert_int_equal(as(ALICE, write_file, "file"), 0);
    assert_int_equal(as_member(BOB, TEAM, read_file, "file"), 0);
    assert_int_equal(as_member(BOB, TEAM, write_file, "file"), EACCES);
    assert_int_equal(as(BOB, read_file, "file"), EACCES);
    // The first class that fits decides: an owner without rights is not saved by the others' ones.
    assert_ok(chmod("file", 0066));
    assert_int_equal(as(ALICE, read_file, "file"), EACCES);
    assert_ok(chmod("file", 0606));
    assert_int_equal(as_member(BOB, TEAM, read_file, "file"), EACCES);
    assert_int_equal(as(BOB, read_file, "file"), 0);
    assert_int_equal(as(0, read_file, "file"), 0);
}

static void directories_bind(void **state)
{
    (void)state;
    prepare_directory("directory", ALICE, ALICE, 0755);
    prepare_file("directory/file", BOB, BOB, 0666);
    // The entry is the directory's matter, not the file's.
    assert_int_equal(as(BOB, unlink_file, "directory/file"), EACCES);
    assert_int_equal(as(BOB, create_file, "directory/new"), EACCES);
    assert_int_equal(as(BOB, make_directory, "directory/new"), EACCES);
    assert_int_equal(as(BOB, rename_away, "directory/file"), EACCES);
    assert_int_equal(as(BOB, list_directory, "directory"), 0);
    assert_ok(chmod("directory", 0711));
    assert_int_equal(as(BOB, list_directory, "directory"), EACCES);
    assert_int_equal(as(BOB, read_file, "directory/file"), 0);
    assert_ok(chmod("directory", 0744));
    assert_int_equal(as(BOB, list_directory, "directory"), 0);
    assert_int_equal(as(BOB, read_file, "directory/file"), EACCES);
    assert_int_equal(as(BOB, find_path, "directory/nothing"), EACCES);
    assert_int_equal(as(ALICE, unlink_file, "directory/file"), 0);
    assert_int_equal(as(BOB, remove_directory, "directory"), EACCES);
}

static void sticky_directory_protects_entries(void **state)
{
    (void)state;
    prepare_directory("sticky", 0, 0, 01777);
    prepare_directory("of_bob", BOB, BOB, 01777);
    assert_int_equal(as(ALICE, create_file, "sticky/file"), 0);
    assert_int_equal(as(ALICE, make_directory, "sticky/directory"), 0);
    assert_int_equal(as(ALICE, create_file, "of_bob/file"), 0);
    assert_ok(chmod(".", 0777));
    assert_int_equal(as(BOB, unlink_file, "sticky/file"), EPERM);
    assert_int_equal(as(BOB, rename_away, "sticky/file"), EPERM);
    assert_int_equal(as(BOB, remove_directory, "sticky/directory"), EPERM);
    assert_int_equal(as(BOB, unlink_file, "of_bob/file"), 0); // the directory is his
    assert_int_equal(as(ALICE, rename_away, "sticky/file"), 0);
    assert_int_equal(as(ALICE, remove_directory, "sticky/directory"), 0);
}

static int rename_over(void *path)
{
    return result_of(rename("sticky/mine", path));
}

static void sticky_directory_protects_from_being_replaced(void **state)
{
    (void)state;
    prepare_directory("sticky", 0, 0, 01777);
    assert_int_equal(as(ALICE, create_file, "sticky/file"), 0);
    assert_int_equal(as(BOB, create_file, "sticky/mine"), 0);
    assert_int_equal(as(BOB, rename_over, "sticky/file"), EPERM);
    assert_int_equal(stat_of("sticky/file").st_uid, ALICE);
    assert_int_equal(as(BOB, rename_over, "sticky/free"), 0);
}

static void root_is_bound_by_nothing(void **state)
{
    (void)state;
    prepare_directory("directory", ALICE, ALICE, 0);
    prepare_file("directory/file", ALICE, ALICE, 0);
    assert_int_equal(as(0, write_file, "directory/file"), 0);
    assert_int_equal(as(0, list_directory, "directory"), 0);
    assert_int_equal(as(0, create_file, "directory/new"), 0);
    assert_int_equal(as(0, set_times, "directory/file"), 0);
    assert_int_equal(as(0, unlink_file, "directory/file"), 0);
}

static int use_inherited_descriptor(void *argument)
{
    char text[8];
    int fd = *(int *)argument;
    if (open_with("file", O_RDONLY) != EACCES)
        return 1;
    if (pread(fd, text, 8, 0) != 8 || pwrite(fd, "CONTENTS", 8, 0) != 8 || ftruncate(fd, 100) < 0)
        return 2;
    struct stat attr;
    if (fstat(fd, &attr) < 0 || attr.st_size != 100 || fsync(fd) < 0)
        return 3;
    return fchmod(fd, 0666) == -1 && errno == EPERM ? 0 : 4;
}

static void descriptor_carries_its_rights(void **state)
{
    (void)state;
    prepare_file("file", 0, 0, 0600);
    int fd = open_file("file", O_RDWR);
    assert_int_equal(harness_as(ALICE, ALICE, 0, NULL, use_inherited_descriptor, &fd), 0);
    assert_ok(close(fd));
    assert_int_equal(stat_of("file").st_size, 100);
}

static int open_both_ways(void *path)
{
    int reader = open(path, O_RDONLY | O_CLOEXEC);
    char text[16] = "";
    if (reader < 0 || read(reader, text, sizeof(text)) != 8)
        return errno != 0 ? errno : 1;
    return strcmp(text, "contents") == 0 && open_with(path, O_WRONLY) == EACCES ? 0 : 2;
}

// Opens of one inode with different rights by different users live side by side.
static void opens_of_different_users_at_once(void **state)
{
    (void)state;
    prepare_file("file", 0, 0, 0644);
    int writer = open_file("file", O_RDWR);
    assert_int_equal(as(ALICE, open_both_ways, "file"), 0);
    assert_int_equal(as(BOB, open_both_ways, "file"), 0);
    assert_int_equal(pwrite(writer, "changed!", 8, 0), 8);
    assert_ok(close(writer));
    assert_content("file", "changed!");
}

static void permission_that_was_taken_is_gone_at_once(void **state)
{
    (void)state;
    prepare_file("file", 0, 0, 0644);
    prepare_directory("directory", 0, 0, 0755);
    prepare_file("directory/file", 0, 0, 0644);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(as(ALICE, read_file, "file"), 0);
        assert_int_equal(as(ALICE, read_file, "directory/file"), 0);
        assert_ok(chmod("file", 0600));
        assert_ok(chmod("directory", 0700));
        assert_int_equal(as(ALICE, read_file, "file"), EACCES);
        assert_int_equal(as(ALICE, read_file, "directory/file"), EACCES);
        assert_ok(chown("file", ALICE, ALICE));
        assert_int_equal(as(ALICE, read_file, "file"), 0);
        assert_ok(chown("file", 0, 0));
        assert_ok(chmod("file", 0644));
        assert_ok(chmod("directory", 0755));
    }
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(supplementary_groups_count),
    cmocka_unit_test(groups_may_be_given_to_members_only),
    cmocka_unit_test(only_the_owner_changes_attributes),
    cmocka_unit_test(modes_of_owner_group_and_others),
    cmocka_unit_test(directories_bind),
    cmocka_unit_test(sticky_directory_protects_entries),
    cmocka_unit_test(sticky_directory_protects_from_being_replaced),
    cmocka_unit_test(root_is_bound_by_nothing),
    cmocka_unit_test(descriptor_carries_its_rights),
    cmocka_unit_test(opens_of_different_users_at_once),
    cmocka_unit_test(permission_that_was_taken_is_gone_at_once),
};

HARNESS_MAIN("perm", cases)
