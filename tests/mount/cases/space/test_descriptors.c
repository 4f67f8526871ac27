// SPDX-License-Identifier: BSD-2-Clause
/* How many descriptors the daemon has for files that are open, or were. */
#include "tests/mount/cases/space/few_descriptors.h"
#include "tests/mount/cases/space/numbered_files.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* One mode at a time permits one of them only, but both are open together. */
static void reader_and_writer_keep_their_own_access(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char text[9] = "";

    workspace_mount(workspace, true, "");
    put_file("mnt/a", "contents");
    int reader = open_file("mnt/a", O_RDONLY);
    assert_ok(chmod("mnt/a", 0200));
    int writer = open("mnt/a", O_WRONLY | O_CLOEXEC);
    if (writer == -1)
        assert_int_equal(errno, EACCES);
    else
        assert_int_equal(pwrite(writer, "C", 1, 0), 1);
    assert_int_equal(pread(reader, text, 8, 0), 8);
    assert_string_equal(text, writer == -1 ? "contents" : "Contents");
    assert_ok(close(reader));
    if (writer != -1)
        assert_ok(close(writer));
    put_file("mnt/b", "contents");
    assert_ok(chmod("mnt/b", 0200));
    writer = open_file("mnt/b", O_WRONLY);
    assert_ok(chmod("mnt/b", 0600));
    reader = open("mnt/b", O_RDONLY | O_CLOEXEC);
    if (reader == -1) {
        assert_int_equal(errno, EACCES);
    } else {
        assert_int_equal(pread(reader, text, 8, 0), 8);
        assert_string_equal(text, "contents");
        assert_ok(close(reader));
    }
    assert_int_equal(pwrite(writer, "C", 1, 0), 1);
    assert_ok(close(writer));
    workspace_unmount(workspace);
}

static void ten_thousand_files(void **state)
{
    enum { FILES = 10000 };
    struct workspace *workspace = workspace_of(state);
    struct rlimit limit;

    assert_ok(getrlimit(RLIMIT_NOFILE, &limit));
    workspace_mount(workspace, false, "");
    if (workspace->root || limit.rlim_max > FILES + 100) {
        make_files(FILES);
        stat_files(FILES);
        read_files(FILES);
        workspace_unmount(workspace);
        return;
    }
    // A descriptor for each is more than the machine allows this user: a clean ENFILE, and the
    // mount lives.
    int made = 0;
    char path[64];
    for (; made < FILES; made++) {
        snprintf(path, sizeof(path), "mnt/file%d", made);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd == -1)
            break;
        assert_ok(close(fd));
    }
    if (made < FILES)
        assert_int_equal(errno, ENFILE);
    assert_true(made > FILES / 10);
    for (int i = 0; i < made; i++) {
        snprintf(path, sizeof(path), "mnt/file%d", i);
        assert_ok(unlink(path));
    }
    put_file("mnt/last", "works");
    assert_content("mnt/last", "works");
    workspace_unmount(workspace);
}

/* Opens once more what a descriptor stands for, which may have no name. */
static int open_again(int fd, int flags)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open_file(path, flags);
}

/* Uses a removed file by ways that lead to the daemon. */
static void assert_removed_file_works(int fd, int number)
{
    int found = -1;

    assert_int_equal(fstat_of(fd).st_nlink, 0);
    assert_ok(fchmod(fd, 0600));
    assert_ok(ftruncate(fd, 5000));
    assert_int_equal(fstat_of(fd).st_size, 5000);
    assert_ok(fsync(fd));
    assert_int_equal(pread(fd, &found, sizeof(found), 0), sizeof(found));
    assert_int_equal(found, number);
    int again = open_again(fd, O_RDWR);
    assert_int_equal(fstat_of(again).st_ino, fstat_of(fd).st_ino);
    assert_int_equal(pwrite(again, &number, sizeof(number), 4096), sizeof(number));
    assert_ok(close(again));
    assert_int_equal(pread(fd, &found, sizeof(found), 4096), sizeof(found));
    assert_int_equal(found, number);
}

/* Where the kernel keeps a file for its opens, that is enough to find it again, as long as the
 * process keeps more than `descriptors=` of them. */
static void open_files_without_names(struct workspace *workspace, const char *options, bool store)
{
    enum { FILES = 300, AT_HAND = 16, SLACK = 24 };
    unsigned each = workspace->passthrough ? 0 : 1;
    int fds[FILES];
    char path[64];

    workspace_mount(workspace, store, options);
    // A daemon that has just begun may have some more for a moment.
    unsigned before = descriptors_of(worker_of(workspace));
    unsigned most = before + each * FILES + AT_HAND + SLACK;
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof(path), "mnt/file%d", i);
        fds[i] = open_file(path, O_RDWR | O_CREAT | O_EXCL);
        assert_int_equal(write(fds[i], &i, sizeof(i)), sizeof(i));
        assert_ok(unlink(path));
    }
    assert_in_range(descriptors_of(worker_of(workspace)), 1, most);
    for (int i = 0; i < FILES; i++)
        assert_removed_file_works(fds[i], i);
    assert_in_range(descriptors_of(worker_of(workspace)), 1, most);
    // A reference that is not an open file outlives the last one that is.
    for (int i = 0; i < FILES; i++) {
        int place = open_again(fds[i], O_PATH);
        assert_ok(close(fds[i]));
        fds[i] = place;
    }
    assert_true(status_becomes(workspace, "open_files", 0));
    for (int i = 0; i < FILES; i++) {
        int again = open_again(fds[i], O_RDWR);
        assert_removed_file_works(again, i);
        assert_ok(close(again));
        assert_ok(close(fds[i]));
    }
    assert_true(status_becomes(workspace, "nodes", 4));
    assert_few_descriptors(workspace, before + AT_HAND);
    workspace_unmount(workspace);
}

static void open_files_without_names_in_ram(void **state)
{
    open_files_without_names(workspace_of(state), "descriptors=16", false);
}

static void open_files_without_names_in_the_store(void **state)
{
    open_files_without_names(workspace_of(state), "descriptors=16", true);
}

/* Not even with the usual `descriptors=` are there two for each. */
static void one_for_each_file_without_a_name(void **state)
{
    enum { FILES = 300, SLACK = 24 };
    struct workspace *workspace = workspace_of(state);
    int fds[FILES];

    workspace_mount(workspace, false, "");
    unsigned before = descriptors_of(worker_of(workspace));
    for (int i = 0; i < FILES; i++) {
        fds[i] = open_file("mnt/file", O_RDWR | O_CREAT | O_EXCL);
        assert_ok(ftruncate(fds[i], 4096));
        assert_ok(unlink("mnt/file"));
        assert_int_equal(fstat_of(fds[i]).st_nlink, 0);
    }
    assert_in_range(descriptors_of(worker_of(workspace)), 1, before + FILES + SLACK);
    for (int i = 0; i < FILES; i++)
        assert_ok(close(fds[i]));
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(reader_and_writer_keep_their_own_access),
    cmocka_unit_test(ten_thousand_files),
    // Without root there are no file handles.
    cmocka_unit_test(open_files_without_names_in_ram),
    cmocka_unit_test(open_files_without_names_in_the_store),
    cmocka_unit_test(one_for_each_file_without_a_name),
};

ROOT_LAST_MAIN("descriptors", cases, 3)
