// SPDX-License-Identifier: BSD-2-Clause
/* Names of files of every type: made, found, opened and removed. */
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static void lookup_finds_what_was_made(void **state)
{
    (void)state;
    assert_errno(access("file", F_OK), ENOENT);
    put_file("file", "contents");
    assert_content("file", "contents");
    assert_ok(mkdir("directory", 0755));
    assert_errno(access("directory/file", F_OK), ENOENT);
    put_file("directory/file", "other");
    assert_content("directory/file", "other");
    assert_errno(access("file/file", F_OK), ENOTDIR);
    assert_errno(access("nothing/file", F_OK), ENOENT);
    assert_errno(access("", F_OK), ENOENT);
}

// A name that was looked up in vain and cached so must appear as soon as it exists, however it was
// made.
static void absent_name_appears(void **state)
{
    (void)state;
    assert_ok(mkdir("from", 0755));
    for (int round = 0; round < 3; round++) {
        assert_errno(access("name", F_OK), ENOENT);
        put_file("name", "by open");
        assert_content("name", "by open");
        assert_ok(unlink("name"));
        assert_errno(access("name", F_OK), ENOENT);

        assert_ok(mkdir("name", 0755));
        assert_true(S_ISDIR(stat_of("name").st_mode));
        assert_ok(rmdir("name"));
        assert_errno(access("name", F_OK), ENOENT);

        put_file("from/name", "by rename");
        assert_ok(rename("from/name", "name"));
        assert_content("name", "by rename");
        assert_errno(access("from/name", F_OK), ENOENT);

        assert_errno(access("linked", F_OK), ENOENT);
        assert_ok(link("name", "linked"));
        assert_content("linked", "by rename");
        assert_ok(unlink("linked"));
        assert_ok(unlink("name"));
        assert_errno(access("linked", F_OK), ENOENT);
    }
}

static void regular_file(void **state)
{
    (void)state;
    assert_ok(mknod("file", S_IFREG | 0640, 0));
    struct stat attr = stat_of("file");
    assert_true(S_ISREG(attr.st_mode));
    assert_int_equal(attr.st_mode & 07777, 0640);
    assert_int_equal(attr.st_size, 0);
    assert_int_equal(attr.st_nlink, 1);
    assert_int_equal(attr.st_uid, geteuid());
    assert_int_equal(attr.st_gid, getegid());
    assert_errno(mknod("file", S_IFREG | 0640, 0), EEXIST);
}

static void fifo_connects(void **state)
{
    (void)state;
    char text[8];
    assert_ok(mkfifo("fifo", 0600));
    assert_true(S_ISFIFO(stat_of("fifo").st_mode));
    assert_errno(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
    int reader = open_file("fifo", O_RDONLY | O_NONBLOCK);
    int writer = open_file("fifo", O_WRONLY | O_NONBLOCK);
    assert_int_equal(write(writer, "through", 8), 8);
    assert_int_equal(read(reader, text, sizeof(text)), 8);
    assert_string_equal(text, "through");
    assert_ok(close(reader));
    assert_ok(close(writer));
    assert_errno(mkfifo("fifo", 0600), EEXIST);
}

static void socket_connects(void **state)
{
    (void)state;
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
    const struct sockaddr *name = (const struct sockaddr *)&address;
    char text[8];
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_ok(bind(server, name, sizeof(address)));
    assert_true(S_ISSOCK(stat_of("socket").st_mode));
    assert_errno(open("socket", O_RDONLY), ENXIO);
    assert_errno(connect(client, name, sizeof(address)), ECONNREFUSED);
    assert_ok(listen(server, 1));
    assert_ok(connect(client, name, sizeof(address)));
    int served = accept(server, NULL, NULL);
    assert_ok(served);
    assert_int_equal(write(client, "through", 8), 8);
    assert_int_equal(read(served, text, sizeof(text)), 8);
    assert_string_equal(text, "through");
    assert_ok(close(served));
    assert_ok(close(server));
    assert_ok(close(client));
    int second = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_errno(bind(second, name, sizeof(address)), EADDRINUSE);
    assert_ok(close(second));
}

static void device_nodes(void **state)
{
    dev_t null = makedev(1, 3), disk = makedev(259, 0xabcde);
    if (!fixture_of(state)->root) {
        assert_errno(mknod("null", S_IFCHR | 0666, null), EPERM);
        assert_errno(mknod("disk", S_IFBLK | 0600, disk), EPERM);
        return;
    }
    assert_ok(mknod("null", S_IFCHR | 0666, null));
    assert_ok(mknod("disk", S_IFBLK | 0600, disk));
    struct stat attr = stat_of("null");
    assert_true(S_ISCHR(attr.st_mode));
    assert_int_equal(attr.st_rdev, null);
    attr = stat_of("disk");
    assert_true(S_ISBLK(attr.st_mode));
    assert_int_equal(attr.st_rdev, disk);
    assert_errno(mknod("null", S_IFCHR | 0666, null), EEXIST);
}

static void mknod_refuses_other_types(void **state)
{
    (void)state;
    assert_errno(mknod("directory", S_IFDIR | 0755, 0), EPERM);
    assert_errno(mknod("link", S_IFLNK | 0777, 0), EINVAL);
    assert_errno(mknod("what", 0170000 | 0644, 0), EINVAL);
    assert_false(exists("directory") || exists("link") || exists("what"));
}

static void exclusive_open(void **state)
{
    (void)state;
    int fd = open("file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    assert_ok(fd);
    assert_ok(close(fd));
    assert_errno(open("file", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
    // A dangling symlink is a name too.
    assert_ok(symlink("nowhere", "dangling"));
    assert_errno(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
    assert_false(exists("nowhere"));
    fd = open("dangling", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_ok(fd);
    assert_ok(close(fd));
    assert_true(exists("nowhere"));
}

static void no_follow_and_directory(void **state)
{
    (void)state;
    put_file("file", "");
    assert_ok(mkdir("directory", 0755));
    assert_ok(symlink("file", "to_file"));
    assert_ok(symlink("directory", "to_directory"));
    assert_errno(open("to_file", O_RDONLY | O_NOFOLLOW), ELOOP);
    assert_errno(open("to_directory", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
    assert_errno(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
    assert_ok(close(open_file("to_directory", O_RDONLY | O_DIRECTORY)));
    assert_errno(open("directory", O_RDWR), EISDIR);
    assert_errno(open("directory", O_RDONLY | O_CREAT, 0644), EISDIR);
    assert_errno(open("file/", O_RDONLY), ENOTDIR);
    assert_errno(open("new/", O_WRONLY | O_CREAT, 0644), EISDIR);

    int fd = open_file("to_file", O_PATH | O_NOFOLLOW);
    assert_true(S_ISLNK(fstat_of(fd).st_mode));
    assert_errno(read(fd, &fd, 0), EBADF);
    assert_ok(close(fd));
}

static void open_truncates(void **state)
{
    (void)state;
    put_file("file", "long contents");
    int reader = open_file("file", O_RDONLY);
    put_file("file", "short");
    assert_content("file", "short");
    assert_int_equal(fstat_of(reader).st_size, 5);
    assert_ok(close(reader));
    int fd = open_file("file", O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, " and more", 9), 9);
    assert_ok(close(fd));
    assert_content("file", "short and more");
}

// A file without write permission that its creator just opened for writing can be written.
static void created_read_only_stays_writable(void **state)
{
    (void)state;
    int fd = open("file", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    assert_ok(fd);
    assert_int_equal(write(fd, "written", 7), 7);
    assert_ok(ftruncate(fd, 4));
    assert_ok(close(fd));
    assert_content("file", "writ");
    assert_int_equal(stat_of("file").st_mode & 07777, 0444);
    assert_ok(mkdir("closed", 0));
    assert_int_equal(stat_of("closed").st_mode & 07777, 0);
    assert_ok(chmod("closed", 0700)); // so that it can be removed
}

static void directory_link_counts(void **state)
{
    (void)state;
    assert_ok(mkdir("top", 0755));
    assert_int_equal(stat_of("top").st_nlink, 2);
    assert_ok(mkdir("top/one", 0755));
    assert_ok(mkdir("top/two", 0755));
    put_file("top/file", "");
    assert_int_equal(stat_of("top").st_nlink, 4);
    assert_ok(rename("top/one", "one"));
    assert_int_equal(stat_of("top").st_nlink, 3);
    assert_ok(rmdir("top/two"));
    assert_int_equal(stat_of("top").st_nlink, 2);
    assert_ok(unlink("top/file"));
    assert_ok(rmdir("top"));
}

static void remove_refuses(void **state)
{
    (void)state;
    assert_ok(mkdir("full", 0755));
    put_file("full/file", "");
    put_file("file", "");
    assert_errno(rmdir("full"), ENOTEMPTY);
    assert_errno(rmdir("file"), ENOTDIR);
    assert_errno(unlink("full"), EISDIR);
    assert_errno(unlink("nothing"), ENOENT);
    assert_errno(rmdir("nothing"), ENOENT);
    assert_errno(rmdir("full/."), EINVAL);
    assert_errno(rmdir("full/.."), ENOTEMPTY);
    assert_errno(unlink("file/"), ENOTDIR);
    assert_errno(mkdir("full", 0755), EEXIST);
    assert_errno(mkdir("file", 0755), EEXIST);
    assert_errno(mkdir("file/below", 0755), ENOTDIR);
    assert_errno(mkdir("nothing/below", 0755), ENOENT);
    assert_content("full/file", "");
}

static void removed_working_directory(void **state)
{
    (void)state;
    char path[PATH_MAX];
    assert_ok(mkdir("gone", 0755));
    assert_ok(chdir("gone"));
    assert_ok(rmdir("../gone"));
    assert_null(getcwd(path, sizeof(path)));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(stat_of(".").st_nlink, 0);
    assert_errno(open("file", O_WRONLY | O_CREAT, 0644), ENOENT);
    assert_errno(mkdir("below", 0755), ENOENT);
    assert_errno(symlink("x", "link"), ENOENT);
    assert_errno(access("file", F_OK), ENOENT);
    assert_ok(chdir(".."));
    assert_string_equal(getcwd(path, sizeof(path)), fixture_of(state)->dir);
}

static void dot_and_dot_dot(void **state)
{
    (void)state;
    char path[PATH_MAX];
    assert_ok(mkdir("a", 0755));
    assert_ok(mkdir("a/b", 0755));
    ino_t here = stat_of(".").st_ino;
    assert_int_equal(stat_of("a/..").st_ino, here);
    assert_int_equal(stat_of("a/b/../..").st_ino, here);
    assert_int_equal(stat_of("a/././b/..").st_ino, stat_of("a").st_ino);
    int fd = open_file("a/b", O_RDONLY | O_DIRECTORY);
    int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(fstat_of(parent).st_ino, stat_of("a").st_ino);
    // An open directory follows its own moves.
    assert_ok(mkdir("c", 0755));
    assert_ok(rename("a/b", "c/b"));
    assert_ok(close(parent));
    parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(fstat_of(parent).st_ino, stat_of("c").st_ino);
    assert_ok(close(parent));
    assert_ok(fchdir(fd));
    assert_non_null(getcwd(path, sizeof(path)));
    assert_string_equal(path + strlen(fixture_of(state)->dir), "/c/b");
    assert_ok(close(fd));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(lookup_finds_what_was_made),
    cmocka_unit_test(absent_name_appears),
    cmocka_unit_test(regular_file),
    cmocka_unit_test(fifo_connects),
    cmocka_unit_test(socket_connects),
    cmocka_unit_test(device_nodes),
    cmocka_unit_test(mknod_refuses_other_types),
    cmocka_unit_test(exclusive_open),
    cmocka_unit_test(no_follow_and_directory),
    cmocka_unit_test(open_truncates),
    cmocka_unit_test(created_read_only_stays_writable),
    cmocka_unit_test(directory_link_counts),
    cmocka_unit_test(remove_refuses),
    cmocka_unit_test(removed_working_directory),
    cmocka_unit_test(dot_and_dot_dot),
};

HARNESS_MAIN("namespace", cases)
