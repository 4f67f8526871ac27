// SPDX-License-Identifier: BSD-2-Clause
// Files without a name: unlinked while open, and made so by O_TMPFILE.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

struct proc_path {
    char text[32];
};

static struct proc_path proc_path_of(int fd)
{
    struct proc_path path;
    snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
    return path;
}
#define proc_path(fd) (proc_path_of(fd).text)

static void assert_nameless_file_works(int fd)
{
    char text[32] = "";
    assert_int_equal(fstat_of(fd).st_nlink, 0);
    assert_int_equal(pwrite(fd, "nameless", 8, 0), 8);
    assert_int_equal(fstat_of(fd).st_size, 8);
    assert_int_equal(pread(fd, text, sizeof(text), 0), 8);
    assert_string_equal(text, "nameless");
    assert_ok(ftruncate(fd, 100000));
    assert_int_equal(fstat_of(fd).st_size, 100000);
    assert_ok(ftruncate(fd, 4));
    assert_int_equal(fstat_of(fd).st_size, 4);
    assert_ok(fchmod(fd, 0600));
    assert_int_equal(fstat_of(fd).st_mode & 07777, 0600);
    const struct timespec times[2] = { { 1000, 1 }, { 2000, 2 } };
    assert_ok(futimens(fd, times));
    assert_int_equal(fstat_of(fd).st_mtim.tv_nsec, 2);
    assert_ok(fsync(fd));
    assert_ok(fallocate(fd, 0, 0, 8192));
    assert_int_equal(fstat_of(fd).st_size, 8192);

    // A new open file of the same nameless inode.
    int again = open_file(proc_path(fd), O_RDWR);
    assert_int_equal(fstat_of(again).st_ino, fstat_of(fd).st_ino);
    assert_int_equal(pread(again, text, 4, 0), 4);
    assert_memory_equal(text, "name", 4);
    assert_int_equal(pwrite(again, "NAME", 4, 0), 4);
    assert_ok(close(again));
    assert_int_equal(pread(fd, text, 4, 0), 4);
    assert_memory_equal(text, "NAME", 4);
    assert_int_equal(stat_of(proc_path(fd)).st_nlink, 0);
    assert_ok(truncate(proc_path(fd), 2));
    assert_int_equal(fstat_of(fd).st_size, 2);
}

static void unlinked_file_lives_while_open(void **state)
{
    (void)state;
    put_file("file", "contents");
    int fd = open_file("file", O_RDWR);
    assert_ok(unlink("file"));
    assert_false(exists("file"));
    char target[PATH_MAX] = "";
    assert_true(readlink(proc_path(fd), target, sizeof(target) - 1) > 0);
    assert_non_null(strstr(target, "(deleted)"));
    assert_nameless_file_works(fd);
    assert_errno(linkat(AT_FDCWD, proc_path(fd), AT_FDCWD, "back", AT_SYMLINK_FOLLOW), ENOENT);
    assert_ok(close(fd));
}

/* A process may open a file that it has looked up before, though nobody else had it open. */
static void unlinked_file_can_be_opened(void **state)
{
    (void)state;
    put_file("file", "contents");
    int path = open("file", O_PATH | O_CLOEXEC);
    assert_true(path >= 0);
    assert_ok(unlink("file"));
    for (size_t i = 0; i < 2; i++) {
        char text[16] = "";
        int fd = open_file(proc_path(path), O_RDWR);
        assert_int_equal(fstat_of(fd).st_size, 8);
        assert_ok(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
        assert_int_equal(pread(fd, text, sizeof(text), 0), 8);
        assert_string_equal(text, i == 0 ? "contents" : "CONTENTS");
        assert_int_equal(pwrite(fd, "CONTENTS", 8, 0), 8);
        assert_ok(close(fd));
    }
    assert_ok(close(path));
}

static void unlinked_name_is_free(void **state)
{
    (void)state;
    char text[8] = "";
    put_file("file", "old");
    int old = open_file("file", O_RDWR);
    assert_ok(unlink("file"));
    put_file("file", "new");
    assert_true(stat_of("file").st_ino != fstat_of(old).st_ino);
    assert_int_equal(pwrite(old, "OLD", 3, 0), 3);
    assert_content("file", "new");
    assert_int_equal(pread(old, text, 8, 0), 3);
    assert_string_equal(text, "OLD");
    assert_int_equal(stat_of("file").st_nlink, 1);
    assert_int_equal(fstat_of(old).st_nlink, 0);
    assert_ok(close(old));
}

static void unlinked_while_attributes_are_used(void **state)
{
    (void)state;
    need_user_attributes(".");
    put_file("file", "");
    assert_ok(setxattr("file", "user.before", "1", 1, 0));
    int fd = open_file("file", O_RDONLY);
    assert_ok(unlink("file"));
    char value[8];
    assert_int_equal(fgetxattr(fd, "user.before", value, sizeof(value)), 1);
    assert_ok(fsetxattr(fd, "user.after", "22", 2, 0));
    assert_int_equal(fgetxattr(fd, "user.after", value, sizeof(value)), 2);
    assert_ok(close(fd));
}

static int unlink_file(struct coprocess *parent, void *argument)
{
    (void)parent;
    coprocess_check(unlink(argument) == 0);
    return 0;
}

static void unlinked_by_another_process(void **state)
{
    (void)state;
    put_file("file", "contents");
    assert_ok(link("file", "second"));
    int fd = open_file("file", O_RDWR);
    assert_int_equal(fstat_of(fd).st_nlink, 2);
    assert_int_equal(coprocess_run(unlink_file, (char *)"file"), 0);
    assert_int_equal(fstat_of(fd).st_nlink, 1);
    assert_int_equal(coprocess_run(unlink_file, (char *)"second"), 0);
    assert_nameless_file_works(fd);
    assert_ok(close(fd));
}

static int hold_unlinked(struct coprocess *parent, void *argument)
{
    char text[16] = "";
    (void)argument;
    int fd = open("file", O_RDWR | O_CLOEXEC);
    coprocess_check(fd >= 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    struct stat attr;
    coprocess_check(fstat(fd, &attr) == 0 && attr.st_nlink == 0 && attr.st_size == 8);
    coprocess_check(read(fd, text, sizeof(text)) == 8 && strcmp(text, "contents") == 0);
    return 0;
}

static void another_process_keeps_it(void **state)
{
    (void)state;
    struct coprocess coprocess;
    put_file("file", "contents");
    assert_int_equal(coprocess_start(&coprocess, hold_unlinked, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    assert_ok(unlink("file"));
    assert_true(coprocess_give_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
}

static void mapping_outlives_name_and_descriptor(void **state)
{
    (void)state;
    put_file("file", "contents");
    int fd = open_file("file", O_RDWR);
    char *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(mapped, MAP_FAILED);
    assert_ok(unlink("file"));
    assert_ok(close(fd));
    assert_string_equal(mapped, "contents");
    strcpy(mapped, "CONTENTS");
    put_file("file", "another");
    assert_string_equal(mapped, "CONTENTS");
    assert_ok(munmap(mapped, 4096));
    assert_content("file", "another");
}

static long long free_space(void)
{
    struct statvfs space;
    assert_ok(statvfs(".", &space));
    return (long long)space.f_bfree * (long long)space.f_frsize;
}

/*
 * The space of an unlinked file comes back when its last user is gone. The kernel tells the daemon
 * of it without making the closer wait, so the asker may have to ask again. Other users of the disk
 * disturb less than this size.
 */
enum { SIZE = 64 << 20 };

static bool is_taken(void *fd)
{
    assert_ok(ftruncate(*(int *)fd, 0));
    long long before = free_space();
    assert_ok(posix_fallocate(*(int *)fd, 0, SIZE));
    return before - free_space() > SIZE / 2;
}

/* Others may take as much at the same moment, and keep it. */
static bool comes_back(void *unused)
{
    enum { SECONDS = WAIT_SECONDS / 4 };
    (void)unused;
    struct timespec start, now;
    int fd = new_file("file", 0);
    // Or give it back.
    assert_true(becomes_true(is_taken, &fd));
    assert_ok(unlink("file"));
    long long during = free_space();
    assert_ok(close(fd));
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        if (free_space() - during > SIZE / 2)
            return true;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - start.tv_sec < SECONDS);
    return false;
}

static void space_comes_back(void **state)
{
    (void)state;
    assert_true(becomes_true(comes_back, NULL));
}

static void tmpfile_has_no_name(void **state)
{
    (void)state;
    int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0640);
    assert_ok(fd);
    struct stat attr = fstat_of(fd);
    assert_true(S_ISREG(attr.st_mode));
    assert_int_equal(attr.st_mode & 07777, 0640);
    assert_int_equal(attr.st_uid, geteuid());
    assert_nameless_file_works(fd);
    assert_ok(close(fd));
    assert_errno(open(".", O_TMPFILE | O_RDONLY, 0640), EINVAL);
    assert_errno(open("nothing", O_TMPFILE | O_RDWR, 0640), ENOENT);
    put_file("file", "");
    assert_errno(open("file", O_TMPFILE | O_RDWR, 0640), ENOTDIR);
}

static void tmpfile_gets_a_name(void **state)
{
    (void)state;
    assert_ok(mkdir("directory", 0755));
    int fd = open("directory", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
    assert_ok(fd);
    assert_int_equal(write(fd, "complete", 8), 8);
    assert_ok(linkat(AT_FDCWD, proc_path(fd), AT_FDCWD, "name", AT_SYMLINK_FOLLOW));
    assert_content("name", "complete");
    assert_int_equal(fstat_of(fd).st_nlink, 1);
    assert_int_equal(stat_of("name").st_ino, fstat_of(fd).st_ino);
    assert_ok(linkat(AT_FDCWD, proc_path(fd), AT_FDCWD, "directory/second", AT_SYMLINK_FOLLOW));
    assert_int_equal(stat_of("name").st_nlink, 2);
    assert_int_equal(write(fd, " more", 5), 5);
    assert_content("directory/second", "complete more");
    put_file("taken", "");
    assert_errno(linkat(AT_FDCWD, proc_path(fd), AT_FDCWD, "taken", AT_SYMLINK_FOLLOW), EEXIST);
    assert_ok(close(fd));
    assert_content("name", "complete more");

    if (fixture_of(state)->root) {
        fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
        assert_ok(fd);
        assert_ok(linkat(fd, "", AT_FDCWD, "by_descriptor", AT_EMPTY_PATH));
        assert_int_equal(stat_of("by_descriptor").st_nlink, 1);
        assert_ok(close(fd));
    }
}

static void exclusive_tmpfile_never_gets_a_name(void **state)
{
    (void)state;
    int fd = open(".", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
    assert_ok(fd);
    assert_errno(linkat(AT_FDCWD, proc_path(fd), AT_FDCWD, "name", AT_SYMLINK_FOLLOW), ENOENT);
    assert_false(exists("name"));
    assert_ok(close(fd));
}

static void directory_removed_while_open(void **state)
{
    (void)state;
    assert_ok(mkdir("directory", 0755));
    int fd = open_file("directory", O_RDONLY | O_DIRECTORY);
    assert_ok(rmdir("directory"));
    assert_int_equal(fstat_of(fd).st_nlink, 0);
    assert_errno(openat(fd, "file", O_WRONLY | O_CREAT, 0644), ENOENT);
    assert_errno(mkdirat(fd, "below", 0755), ENOENT);
    assert_errno(faccessat(fd, "file", F_OK, 0), ENOENT);
    assert_ok(fchmod(fd, 0700));
    assert_int_equal(fstat_of(fd).st_mode & 07777, 0700);
    assert_ok(close(fd));
}

// Far more nameless files than a careless daemon has descriptors for would be slow; this is what a
// program has.
static void many_unlinked_files(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    int fds[COUNT];
    for (int i = 0; i < COUNT; i++) {
        fds[i] = new_file("file", 0);
        assert_ok(unlink("file"));
        assert_int_equal(write(fds[i], &i, sizeof(i)), sizeof(i));
    }
    for (int i = 0; i < COUNT; i++) {
        int found = -1;
        assert_int_equal(pread(fds[i], &found, sizeof(found), 0), sizeof(found));
        assert_int_equal(found, i);
        assert_int_equal(fstat_of(fds[i]).st_nlink, 0);
        assert_ok(close(fds[i]));
    }
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(unlinked_file_lives_while_open),
    cmocka_unit_test(unlinked_file_can_be_opened),
    cmocka_unit_test(unlinked_name_is_free),
    cmocka_unit_test(unlinked_while_attributes_are_used),
    cmocka_unit_test(unlinked_by_another_process),
    cmocka_unit_test(another_process_keeps_it),
    cmocka_unit_test(mapping_outlives_name_and_descriptor),
    cmocka_unit_test(space_comes_back),
    cmocka_unit_test(tmpfile_has_no_name),
    cmocka_unit_test(tmpfile_gets_a_name),
    cmocka_unit_test(exclusive_tmpfile_never_gets_a_name),
    cmocka_unit_test(directory_removed_while_open),
    cmocka_unit_test(many_unlinked_files),
};

HARNESS_MAIN("unlinked", cases)
