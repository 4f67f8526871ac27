// SPDX-License-Identifier: BSD-2-Clause
// Hard links and symbolic links.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static void hard_links_are_one_file(void **state)
{
    (void)state;
    put_file("first", "contents");
    assert_ok(mkdir("directory", 0755));
    assert_ok(link("first", "second"));
    assert_ok(link("second", "directory/third"));
    struct stat first = stat_of("first"), third = stat_of("directory/third");
    assert_int_equal(first.st_ino, third.st_ino);
    assert_int_equal(first.st_dev, third.st_dev);
    assert_int_equal(first.st_nlink, 3);
    assert_int_equal(third.st_nlink, 3);

    put_file("second", "changed by another name");
    assert_content("directory/third", "changed by another name");
    assert_int_equal(stat_of("first").st_size, 23);
    assert_ok(chmod("first", 0600));
    assert_int_equal(stat_of("second").st_mode & 07777, 0600);

    assert_ok(unlink("first"));
    assert_int_equal(stat_of("second").st_nlink, 2);
    assert_ok(unlink("second"));
    assert_int_equal(stat_of("directory/third").st_nlink, 1);
    assert_content("directory/third", "changed by another name");
}

// All names of one inode share one page cache: what goes in by one comes out by the others, while
// they are open.
static void hard_links_are_coherent_while_open(void **state)
{
    (void)state;
    char text[8] = "";
    put_file("first", "0000000");
    assert_ok(link("first", "second"));
    int writer = open_file("first", O_RDWR), reader = open_file("second", O_RDONLY);
    for (int i = 0; i < 100; i++) {
        char wanted[16];
        snprintf(wanted, sizeof(wanted), "%07d", i);
        assert_int_equal(pwrite(writer, wanted, 7, 0), 7);
        assert_int_equal(pread(reader, text, 7, 0), 7);
        assert_string_equal(text, wanted);
    }
    assert_ok(close(writer));
    assert_ok(close(reader));
}

static void link_refuses(void **state)
{
    (void)state;
    put_file("file", "");
    put_file("other", "");
    assert_ok(mkdir("directory", 0755));
    assert_errno(link("file", "other"), EEXIST);
    assert_errno(link("file", "file"), EEXIST);
    assert_errno(link("nothing", "new"), ENOENT);
    assert_errno(link("file", "nothing/new"), ENOENT);
    assert_errno(link("file", "other/new"), ENOTDIR);
    assert_errno(link("directory", "new"), EPERM);
    assert_false(exists("new"));
    assert_int_equal(stat_of("file").st_nlink, 1);
}

static void special_files_have_links_too(void **state)
{
    (void)state;
    assert_ok(mkfifo("fifo", 0600));
    assert_ok(link("fifo", "second_fifo"));
    assert_int_equal(stat_of("second_fifo").st_nlink, 2);
    assert_true(S_ISFIFO(stat_of("second_fifo").st_mode));

    // link() does not follow a symlink; linkat() does when told to.
    put_file("file", "");
    assert_ok(symlink("file", "symlink"));
    assert_ok(link("symlink", "second_symlink"));
    assert_true(S_ISLNK(lstat_of("second_symlink").st_mode));
    assert_int_equal(lstat_of("symlink").st_nlink, 2);
    assert_ok(linkat(AT_FDCWD, "symlink", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW));
    assert_true(S_ISREG(lstat_of("followed").st_mode));
    assert_int_equal(stat_of("file").st_nlink, 2);
}

static void many_hard_links(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    char name[32];
    put_file("file", "one");
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "link%d", i);
        assert_ok(link("file", name));
    }
    assert_int_equal(stat_of("link500").st_nlink, COUNT + 1);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "link%d", i);
        assert_ok(unlink(name));
        assert_int_equal(stat_of("file").st_nlink, COUNT - i);
    }
    assert_content("file", "one");
}

static void symlinks_lead_on(void **state)
{
    (void)state;
    char path[PATH_MAX];
    assert_ok(mkdir("directory", 0755));
    put_file("directory/file", "contents");
    assert_ok(symlink("directory", "to_directory"));
    assert_ok(symlink("to_directory/file", "to_file"));
    assert_ok(symlink("../to_file", "directory/back"));
    assert_content("to_directory/file", "contents");
    assert_content("to_file", "contents");
    assert_content("to_directory/back", "contents");
    assert_int_equal(stat_of("to_file").st_ino, stat_of("directory/file").st_ino);
    assert_true(S_ISLNK(lstat_of("to_file").st_mode));

    snprintf(path, sizeof(path), "%s/directory/file", fixture_of(state)->dir);
    assert_ok(symlink(path, "absolute"));
    assert_content("absolute", "contents");
    assert_ok(unlink("to_file"));
    assert_content("directory/file", "contents");
}

static void assert_symlink_of(size_t length)
{
    char target[PATH_MAX], found[PATH_MAX + 1];
    for (size_t i = 0; i < length; i++)
        target[i] = (char)('a' + i % 26);
    target[length] = '\0';
    assert_ok(symlink(target, "link"));
    assert_int_equal(lstat_of("link").st_size, length);
    assert_int_equal(readlink("link", found, sizeof(found)), length);
    found[length] = '\0';
    assert_string_equal(found, target);
    // A small buffer gets what fits.
    assert_int_equal(readlink("link", found, 1), 1);
    assert_ok(unlink("link"));
}

// Filesystems keep short targets elsewhere than long ones: the lengths around their limits, and the
// longest.
static void symlink_targets_of_every_length(void **state)
{
    static const size_t lengths[] = { 1, 59, 60, 61, 127, 128, 255, 256, 1023, 2048, 4094, 4095 };
    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        assert_symlink_of(lengths[i]);

    char target[PATH_MAX + 1];
    memset(target, 'x', PATH_MAX);
    target[PATH_MAX] = '\0';
    assert_errno(symlink(target, "link"), ENAMETOOLONG);
    assert_errno(symlink("", "link"), ENOENT);
    assert_false(exists("link"));
}

static void dangling_and_looping_symlinks(void **state)
{
    (void)state;
    char target[16];
    assert_ok(symlink("nowhere", "dangling"));
    assert_errno(access("dangling", F_OK), ENOENT);
    assert_errno(open("dangling", O_RDONLY), ENOENT);
    assert_int_equal(readlink("dangling", target, sizeof(target)), 7);
    put_file("nowhere", "here now");
    assert_content("dangling", "here now");
    assert_ok(unlink("nowhere"));
    assert_errno(access("dangling", F_OK), ENOENT);

    assert_ok(symlink("loop2", "loop1"));
    assert_ok(symlink("loop1", "loop2"));
    assert_errno(open("loop1", O_RDONLY), ELOOP);
    assert_errno(access("loop1/below", F_OK), ELOOP);
    put_file("file", "");
    assert_errno(symlink("x", "file"), EEXIST);
    assert_errno(readlink("file", target, sizeof(target)), EINVAL);
    assert_errno(readlink("nothing", target, sizeof(target)), ENOENT);
}

// A symlink's bytes need not be text.
static void symlink_target_in_no_encoding(void **state)
{
    (void)state;
    char target[256], found[256];
    for (int i = 0; i < 255; i++)
        target[i] = (char)(i + 1);
    target[255] = '\0';
    assert_ok(symlink(target, "link"));
    assert_int_equal(readlink("link", found, sizeof(found)), 255);
    assert_memory_equal(found, target, 255);
}

static int replace_link(struct coprocess *parent, void *argument)
{
    (void)parent;
    (void)argument;
    coprocess_check(symlink("new", "prepared") == 0);
    coprocess_check(rename("prepared", "current") == 0);
    return 0;
}

// The way to switch a version atomically. A stale target would send the readers to the old one.
static void replaced_symlink_has_its_new_target(void **state)
{
    (void)state;
    put_file("old", "old");
    put_file("new", "new");
    assert_ok(symlink("old", "current"));
    assert_content("current", "old");
    assert_int_equal(coprocess_run(replace_link, NULL), 0);
    assert_content("current", "new");
    assert_ok(unlink("current"));
    assert_ok(symlink("old", "current"));
    assert_content("current", "old");
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(hard_links_are_one_file),
    cmocka_unit_test(hard_links_are_coherent_while_open),
    cmocka_unit_test(link_refuses),
    cmocka_unit_test(special_files_have_links_too),
    cmocka_unit_test(many_hard_links),
    cmocka_unit_test(symlinks_lead_on),
    cmocka_unit_test(symlink_targets_of_every_length),
    cmocka_unit_test(dangling_and_looping_symlinks),
    cmocka_unit_test(symlink_target_in_no_encoding),
    cmocka_unit_test(replaced_symlink_has_its_new_target),
};

HARNESS_MAIN("links", cases)
