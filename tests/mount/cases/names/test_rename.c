// SPDX-License-Identifier: BSD-2-Clause
// rename with every flag, and everything that it refuses.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int rename_with(const char *from, const char *to, unsigned flags)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void moves_and_replaces(void **state)
{
    (void)state;
    put_file("from", "moved");
    ino_t moved = stat_of("from").st_ino;
    assert_ok(rename("from", "to"));
    assert_false(exists("from"));
    assert_content("to", "moved");
    assert_int_equal(stat_of("to").st_ino, moved);

    put_file("target", "replaced");
    assert_ok(link("target", "other_name"));
    assert_ok(rename("to", "target"));
    assert_content("target", "moved");
    assert_int_equal(stat_of("target").st_ino, moved);
    assert_int_equal(stat_of("other_name").st_nlink, 1);
    assert_content("other_name", "replaced");
    assert_errno(rename("nothing", "target"), ENOENT);
    assert_errno(rename("target", "nothing/target"), ENOENT);
    assert_errno(rename("target/", "to"), ENOTDIR);
}

static void between_directories(void **state)
{
    (void)state;
    assert_ok(mkdir("a", 0755));
    assert_ok(mkdir("a/sub", 0755));
    assert_ok(mkdir("b", 0755));
    put_file("a/sub/file", "deep");
    assert_ok(rename("a/sub", "b/renamed"));
    assert_content("b/renamed/file", "deep");
    assert_false(exists("a/sub"));
    assert_int_equal(stat_of("b/renamed/..").st_ino, stat_of("b").st_ino);
    assert_int_equal(stat_of("a").st_nlink, 2);
    assert_int_equal(stat_of("b").st_nlink, 3);
    assert_ok(rename("b/renamed/file", "a/file"));
    assert_content("a/file", "deep");
    assert_ok(rename("b/renamed", "b/again"));
    assert_true(S_ISDIR(stat_of("b/again").st_mode));
}

static void over_directories(void **state)
{
    (void)state;
    assert_ok(mkdir("directory", 0755));
    assert_ok(mkdir("empty", 0755));
    assert_ok(mkdir("full", 0755));
    put_file("directory/own", "own");
    put_file("full/file", "stays");
    put_file("file", "");
    assert_errno(rename("directory", "full"), ENOTEMPTY);
    assert_errno(rename("file", "empty"), EISDIR);
    assert_errno(rename("directory", "file"), ENOTDIR);
    assert_content("full/file", "stays");
    ino_t moved = stat_of("directory").st_ino;
    assert_ok(rename("directory", "empty"));
    assert_int_equal(stat_of("empty").st_ino, moved);
    assert_content("empty/own", "own");
    assert_false(exists("directory"));
}

static void into_own_subtree(void **state)
{
    (void)state;
    assert_ok(mkdir("top", 0755));
    assert_ok(mkdir("top/middle", 0755));
    assert_errno(rename("top", "top/middle/new"), EINVAL);
    assert_errno(rename("top", "top/new"), EINVAL);
    assert_errno(rename("top/middle", "top"), ENOTEMPTY);
    assert_errno(rename_with("top", "top/middle", RENAME_EXCHANGE), EINVAL);
    assert_errno(rename_with("top/middle", "top", RENAME_EXCHANGE), EINVAL);
    assert_errno(rename("top/.", "other"), EBUSY);
    assert_errno(rename("top/middle/..", "other"), EBUSY);
    assert_true(exists("top/middle"));
}

// Two names of one inode: nothing happens, and both stay.
static void onto_a_hard_link_of_itself(void **state)
{
    (void)state;
    put_file("file", "both");
    assert_ok(link("file", "link"));
    assert_ok(rename("file", "link"));
    assert_true(exists("file") && exists("link"));
    assert_int_equal(stat_of("file").st_nlink, 2);
    assert_ok(rename("file", "file"));
    assert_content("file", "both");
}

static void no_replace(void **state)
{
    (void)state;
    put_file("from", "from");
    put_file("taken", "taken");
    assert_ok(mkdir("directory", 0755));
    assert_ok(symlink("nowhere", "dangling"));
    assert_errno(rename_with("from", "taken", RENAME_NOREPLACE), EEXIST);
    assert_errno(rename_with("from", "directory", RENAME_NOREPLACE), EEXIST);
    assert_errno(rename_with("from", "dangling", RENAME_NOREPLACE), EEXIST);
    assert_errno(rename_with("directory", "taken", RENAME_NOREPLACE), EEXIST);
    assert_errno(rename_with("nothing", "new", RENAME_NOREPLACE), ENOENT);
    assert_content("taken", "taken");
    assert_ok(rename_with("from", "new", RENAME_NOREPLACE));
    assert_content("new", "from");
    assert_ok(rename_with("directory", "new_directory", RENAME_NOREPLACE));
    assert_true(S_ISDIR(stat_of("new_directory").st_mode));
}

static void exchange(void **state)
{
    (void)state;
    put_file("one", "one");
    assert_ok(mkdir("parent", 0755));
    assert_ok(mkdir("parent/two", 0755));
    put_file("parent/two/file", "two");
    ino_t one = stat_of("one").st_ino, two = stat_of("parent/two").st_ino;
    assert_int_equal(stat_of("parent").st_nlink, 3);
    assert_ok(rename_with("one", "parent/two", RENAME_EXCHANGE));
    assert_int_equal(stat_of("one").st_ino, two);
    assert_int_equal(stat_of("parent/two").st_ino, one);
    assert_content("one/file", "two");
    assert_content("parent/two", "one");
    assert_int_equal(stat_of("parent").st_nlink, 2);
    assert_int_equal(stat_of("one/..").st_ino, stat_of(".").st_ino);

    put_file("third", "third");
    assert_ok(rename_with("third", "parent/two", RENAME_EXCHANGE));
    assert_content("third", "one");
    assert_content("parent/two", "third");
    assert_errno(rename_with("third", "nothing", RENAME_EXCHANGE), ENOENT);
    assert_errno(rename_with("nothing", "third", RENAME_EXCHANGE), ENOENT);
}

static void senseless_flags(void **state)
{
    (void)state;
    put_file("from", "");
    put_file("to", "");
    assert_errno(rename_with("from", "to", RENAME_NOREPLACE | RENAME_EXCHANGE), EINVAL);
    assert_errno(rename_with("from", "to", RENAME_WHITEOUT | RENAME_EXCHANGE), EINVAL);
    assert_errno(rename_with("from", "to", 1u << 20), EINVAL);
}

static void whiteout(void **state)
{
    (void)state;
    put_file("from", "moved");
    assert_ok(rename_with("from", "to", RENAME_WHITEOUT));
    assert_content("to", "moved");
    struct stat attr = lstat_of("from");
    assert_true(S_ISCHR(attr.st_mode));
    assert_int_equal(attr.st_rdev, makedev(0, 0));
}

static void open_files_follow(void **state)
{
    (void)state;
    char text[16] = "";
    put_file("from", "moved");
    put_file("to", "replaced");
    int moved = open_file("from", O_RDWR), replaced = open_file("to", O_RDWR);
    assert_ok(rename("from", "to"));
    assert_int_equal(pread(moved, text, sizeof(text), 0), 5);
    assert_string_equal(text, "moved");
    assert_int_equal(pread(replaced, text, sizeof(text), 0), 8);
    assert_string_equal(text, "replaced");
    assert_int_equal(fstat_of(replaced).st_nlink, 0);
    assert_int_equal(fstat_of(moved).st_nlink, 1);
    assert_int_equal(pwrite(moved, "MOVED", 5, 0), 5);
    assert_int_equal(pwrite(replaced, "lost", 4, 0), 4);
    assert_ok(close(moved));
    assert_content("to", "MOVED");
    assert_int_equal(pread(replaced, text, 8, 0), 8);
    assert_memory_equal(text, "lostaced", 8);
    assert_ok(close(replaced));
}

static int move_back_and_forth(struct coprocess *parent, void *argument)
{
    (void)argument;
    for (int i = 0; i < 2000; i++) {
        coprocess_check(rename("name", "other") == 0);
        coprocess_check(rename("other", "name") == 0);
    }
    coprocess_check(coprocess_give_turn(parent));
    return 0;
}

static int replace_often(struct coprocess *parent, void *argument)
{
    (void)argument;
    for (int i = 0; i < 2000; i++) {
        int fd = open("new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        coprocess_check(fd >= 0 && write(fd, "whole", 5) == 5 && close(fd) == 0);
        coprocess_check(rename("new", "name") == 0);
    }
    coprocess_check(coprocess_give_turn(parent));
    return 0;
}

// While one file replaces another the name is never gone, and the new file is never seen half
// written.
static void replacing_is_atomic(void **state)
{
    (void)state;
    put_file("name", "whole");
    struct coprocess coprocess;
    assert_int_equal(coprocess_start(&coprocess, replace_often, NULL), 0);
    for (int i = 0; i < 2000; i++) {
        char text[8] = "";
        int fd = open_file("name", O_RDONLY);
        assert_int_equal(read(fd, text, sizeof(text)), 5);
        assert_string_equal(text, "whole");
        assert_ok(close(fd));
    }
    assert_true(coprocess_await_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
}

// However the moves fall, an open directory keeps working, and a name that is gone says ENOENT and
// nothing else.
static void moving_directory_under_use(void **state)
{
    (void)state;
    assert_ok(mkdir("name", 0755));
    put_file("name/file", "inside");
    int directory = open_file("name", O_RDONLY | O_DIRECTORY);
    struct coprocess coprocess;
    assert_int_equal(coprocess_start(&coprocess, move_back_and_forth, NULL), 0);
    for (int i = 0; i < 2000; i++) {
        int fd = openat(directory, "file", O_RDONLY | O_CLOEXEC);
        assert_ok(fd);
        assert_ok(close(fd));
        if (access("name/file", F_OK) < 0)
            assert_int_equal(errno, ENOENT);
    }
    assert_true(coprocess_await_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
    assert_ok(close(directory));
    assert_content("name/file", "inside");
}

static int move_two_names(struct coprocess *parent, void *argument)
{
    (void)parent;
    (void)argument;
    coprocess_check(rename("cached", "elsewhere") == 0);
    coprocess_check(rename("cached_too", "cached") == 0);
    return 0;
}

static void no_stale_name_after_another_process_renamed(void **state)
{
    (void)state;
    put_file("cached", "first");
    put_file("cached_too", "second");
    ino_t first = stat_of("cached").st_ino, second = stat_of("cached_too").st_ino;
    assert_false(exists("elsewhere"));
    assert_int_equal(coprocess_run(move_two_names, NULL), 0);
    assert_int_equal(stat_of("elsewhere").st_ino, first);
    assert_int_equal(stat_of("cached").st_ino, second);
    assert_false(exists("cached_too"));
    assert_content("cached", "second");
    assert_content("elsewhere", "first");
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(moves_and_replaces),
    cmocka_unit_test(between_directories),
    cmocka_unit_test(over_directories),
    cmocka_unit_test(into_own_subtree),
    cmocka_unit_test(onto_a_hard_link_of_itself),
    cmocka_unit_test(no_replace),
    cmocka_unit_test(exchange),
    cmocka_unit_test(senseless_flags),
    cmocka_unit_test(whiteout),
    cmocka_unit_test(open_files_follow),
    cmocka_unit_test(replacing_is_atomic),
    cmocka_unit_test(moving_directory_under_use),
    cmocka_unit_test(no_stale_name_after_another_process_renamed),
};

HARNESS_MAIN("rename", cases)
