// SPDX-License-Identifier: BSD-2-Clause
/* Reading directories: every entry once, while others come and go. */
#include "tests/mount/cases/directories/entries.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static void empty_directory(void **state)
{
    (void)state;
    DIR *directory = open_directory(".");
    assert_each_once(directory, 0);
    assert_null(readdir(directory));
    rewinddir(directory);
    assert_each_once(directory, 0);
    assert_ok(closedir(directory));
}

static void dots_are_this_and_the_parent(void **state)
{
    (void)state;
    struct dirent *entry;
    assert_ok(mkdir("directory", 0755));
    DIR *directory = open_directory("directory");
    while ((entry = readdir(directory)) != NULL) {
        assert_int_equal(entry->d_type, DT_DIR);
        const char *path = strcmp(entry->d_name, ".") == 0 ? "directory" : ".";
        assert_int_equal(entry->d_ino, stat_of(path).st_ino);
    }
    assert_ok(closedir(directory));
}

static void make_one_of_each_type(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
    put_file("regular", "");
    assert_ok(mkdir("directory", 0755));
    assert_ok(symlink("nowhere", "symlink"));
    assert_ok(mkfifo("fifo", 0644));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_ok(bind(fd, (struct sockaddr *)&address, sizeof(address)));
    assert_ok(close(fd));
    assert_ok(link("regular", "link"));
    put_file("renamed_from", "");
    assert_ok(rename("renamed_from", "renamed"));
}

static void type_and_inode_agree_with_stat(void **state)
{
    (void)state;
    make_one_of_each_type();
    for (int round = 0; round < 2; round++) {
        struct dirent *entry;
        int count = 0;
        DIR *directory = open_directory(".");
        while ((entry = readdir(directory)) != NULL) {
            if (entry->d_name[0] == '.')
                continue;
            struct stat attr = lstat_of(entry->d_name);
            assert_int_equal(entry->d_ino, attr.st_ino);
            assert_int_equal(entry->d_type, IFTODT(attr.st_mode));
            count++;
        }
        assert_int_equal(count, 7);
        assert_ok(closedir(directory));
    }
}

static void rewind_shows_changes(void **state)
{
    (void)state;
    make_entries(FEW);
    DIR *directory = open_directory(".");
    assert_each_once(directory, FEW);
    make_entry(FEW);
    rewinddir(directory);
    assert_each_once(directory, FEW + 1);
    assert_ok(unlink("entry-001000"));
    rewinddir(directory);
    assert_each_once(directory, FEW);
    assert_ok(closedir(directory));
}

// Removes entries as it reads on, as rm -r does.
static void removing_while_reading(void **state)
{
    (void)state;
    struct dirent *entry;
    int removed = 0;
    make_entries(FEW);
    DIR *directory = open_directory(".");
    while ((entry = readdir(directory)) != NULL) {
        if (entry_number(entry->d_name) < 0)
            continue;
        assert_ok(unlinkat(dirfd(directory), entry->d_name, 0));
        removed++;
    }
    assert_int_equal(removed, FEW);
    rewinddir(directory);
    assert_each_once(directory, 0);
    assert_ok(closedir(directory));
}

// Entries that are there all the time are seen once, whatever happens around them.
static int come_and_go(struct coprocess *parent, void *argument)
{
    char name[32], other[32];
    (void)argument;
    for (int i = 0; i < FEW; i++) {
        snprintf(name, sizeof(name), "entry-%06d", FEW + i);
        snprintf(other, sizeof(other), "entry-%06d", 2 * FEW + i);
        coprocess_check(mknod(name, S_IFREG | 0644, 0) == 0);
        coprocess_check(rename(name, other) == 0);
        coprocess_check(i % 2 == 0 || unlink(other) == 0);
    }
    coprocess_check(coprocess_give_turn(parent));
    return 0;
}

static void reading_while_others_change(void **state)
{
    (void)state;
    make_entries(FEW);
    struct coprocess coprocess;
    assert_int_equal(coprocess_start(&coprocess, come_and_go, NULL), 0);
    for (int round = 0; round < 20; round++) {
        unsigned char counts[3 * FEW + 1] = { 0 };
        DIR *directory = open_directory(".");
        count_entries(directory, counts);
        for (int i = 0; i < FEW; i++)
            if (counts[i + 1] != 1)
                fail_msg("entry %d was seen %d times", i, counts[i + 1]);
        assert_ok(closedir(directory));
    }
    assert_true(coprocess_await_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
}

// A program that renames what it lists comes to an end, although each name that it makes is new.
static void renaming_while_reading(void **state)
{
    (void)state;
    _Alignas(8) char buffer[512];
    char to[32];
    long length;
    int names = 0;
    make_entries(FEW);
    int fd = open_file(".", O_RDONLY | O_DIRECTORY);
    while ((length = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0) {
        for (long at = 0; at < length;) {
            const struct raw_entry *entry = (const struct raw_entry *)(buffer + at);
            at += entry->length;
            if (entry_number(entry->name) < 0)
                continue;
            snprintf(to, sizeof(to), "entry-%06d", FEW + names);
            assert_ok(renameat(fd, entry->name, fd, to));
            // Names that are in no order may come again under a new one, and again, but not for
            // ever.
            assert_in_range(++names, 1, 20 * FEW);
        }
    }
    assert_ok(length);
    assert_true(names >= FEW);
    assert_ok(close(fd));
    DIR *directory = open_directory(".");
    int left = 0;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL)
        left += entry_number(entry->d_name) >= 0;
    assert_int_equal(left, FEW);
    assert_ok(closedir(directory));
}

// An open directory can be synced, whether it was listed, and whether it is still there.
static void syncing_a_directory(void **state)
{
    (void)state;
    assert_ok(mkdir("directory", 0755));
    int fd = open_file("directory", O_RDONLY | O_DIRECTORY);
    put_file("directory/entry-000000", "");
    assert_ok(fsync(fd));
    assert_ok(fdatasync(fd));
    assert_int_equal(listed_entries("directory"), 1);
    assert_ok(unlink("directory/entry-000000"));
    assert_ok(rmdir("directory"));
    assert_ok(fsync(fd));
    _Alignas(8) char buffer[512];
    assert_errno(syscall(SYS_getdents64, fd, buffer, sizeof(buffer)), ENOENT);
    assert_ok(close(fd));
}

// A process that has a directory open can read on although nobody may read it any more.
static void reading_on_without_permission(void **state)
{
    (void)state;
    unsigned char counts[FEW + 1] = { 0 };
    struct dirent *entry;
    assert_ok(mkdir("directory", 0755));
    assert_ok(chdir("directory"));
    make_entries(FEW);
    assert_ok(chdir(".."));
    DIR *directory = open_directory("directory");
    assert_non_null(entry = readdir(directory));
    counts[entry_number(entry->d_name) + 1]++;
    assert_ok(chmod("directory", 0));
    count_entries(directory, counts);
    assert_int_equal(counts[0], 2);
    for (int i = 0; i < FEW; i++)
        assert_int_equal(counts[i + 1], 1);
    rewinddir(directory);
    assert_each_once(directory, FEW);
    assert_ok(chmod("directory", 0755));
    assert_ok(closedir(directory));
}

static void entries_with_longest_names(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    char name[256], seen[COUNT] = { 0 };
    struct dirent *entry;
    for (int i = 0; i < COUNT; i++) {
        memset(name, '\xff', 255);
        snprintf(name + 251, 5, "%04d", i);
        assert_ok(mknod(name, S_IFREG | 0644, 0));
    }
    DIR *directory = open_directory(".");
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        assert_int_equal(strlen(entry->d_name), 255);
        seen[atoi(entry->d_name + 251)]++;
    }
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(seen[i], 1);
    assert_ok(closedir(directory));
}

/*
 * How the data gets to programs has nothing to do with directories, and both RAM areas are one to
 * them: the full number, which takes its time, is for one kind of mount on each area, and for a
 * daemon that no sanitizer slows down. That in RAM is part of ./check --all.
 */
static int many_entries(const struct fixture *fixture)
{
    bool full = fixture->passthrough && fixture->area != AREA_RAM;

#ifdef __SANITIZE_ADDRESS__
    full = false;
#endif
    return full ? 100000 : 5000;
}

static void hundred_thousand_entries(void **state)
{
    int many = many_entries(fixture_of(state));
    make_entries(many);
    DIR *directory = open_directory(".");
    assert_each_once(directory, many);
    // A second reader in the middle of it, and the first again from the start.
    DIR *other = open_directory(".");
    for (int i = 0; i < many / 2; i++)
        assert_non_null(readdir(other));
    long middle = telldir(other);
    rewinddir(directory);
    assert_each_once(directory, many);
    unsigned char *counts = calloc((size_t)many + 1, 1);
    assert_non_null(counts);
    seekdir(other, middle);
    count_entries(other, counts);
    int left = 0;
    for (int i = 0; i <= many; i++)
        left += counts[i];
    assert_int_equal(left, many + 2 - many / 2);
    free(counts);
    assert_ok(closedir(other));
    assert_ok(closedir(directory));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(empty_directory),
    cmocka_unit_test(dots_are_this_and_the_parent),
    cmocka_unit_test(type_and_inode_agree_with_stat),
    cmocka_unit_test(rewind_shows_changes),
    cmocka_unit_test(removing_while_reading),
    cmocka_unit_test(reading_while_others_change),
    cmocka_unit_test(renaming_while_reading),
    cmocka_unit_test(syncing_a_directory),
    cmocka_unit_test(reading_on_without_permission),
    cmocka_unit_test(entries_with_longest_names),
    cmocka_unit_test(hundred_thousand_entries),
};

HARNESS_MAIN("readdir", cases)
