// SPDX-License-Identifier: BSD-2-Clause
// What the daemon holds for the files that the kernel knows: bounded, and nothing that it could do without.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static pid_t daemon_of(const struct workspace *workspace)
{
    return (pid_t)read_status_number(workspace, "pid");
}

static unsigned descriptors_of(pid_t pid)
{
    char path[64];
    unsigned count = 0;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    while (readdir(directory) != NULL)
        count++;
    assert_ok(closedir(directory));
    return count - 2;
}

static const char *numbered(int number, char path[64])
{
    snprintf(path, 64, "mnt/d%d/file%d", number / 1000, number);
    return path;
}

static void make_files(int count)
{
    char path[64];

    for (int i = 0; i < count; i++) {
        if (i % 1000 == 0) {
            snprintf(path, sizeof(path), "mnt/d%d", i / 1000);
            assert_ok(mkdir(path, 0755));
        }
        int fd = open(numbered(i, path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        assert_ok(fd);
        assert_int_equal(write(fd, &i, sizeof(i)), sizeof(i));
        assert_ok(close(fd));
    }
}

static void read_files(int count)
{
    char path[64];

    for (int i = 0; i < count; i++) {
        int number = -1;
        int fd = open_file(numbered(i, path), O_RDONLY);
        assert_int_equal(read(fd, &number, sizeof(number)), sizeof(number));
        assert_int_equal(number, i);
        assert_ok(close(fd));
    }
}

static void stat_files(int count)
{
    char path[64];

    for (int i = 0; i < count; i++)
        assert_int_equal(stat_of(numbered(i, path)).st_size, sizeof(int));
}

struct expectation {
    const struct workspace *workspace;
    const char *member;
    int64_t at_most;
};

static bool status_is(void *argument)
{
    const struct expectation *expected = argument;
    return read_status_number(expected->workspace, expected->member) <= expected->at_most;
}

static bool status_becomes(const struct workspace *workspace, const char *member, int64_t at_most)
{
    struct expectation expected = { workspace, member, at_most };
    return becomes_true(status_is, &expected);
}

static void bounded_whatever_is_looked_up(void **state)
{
    enum { FILES = 5000, BOUND = 200 };
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // Without file handles each file costs a descriptor.
    workspace_mount(workspace, true, "descriptors=100,anon=scratch");
    make_files(FILES);
    read_files(FILES);
    stat_files(FILES);
    assert_true(read_status_number(workspace, "nodes") >= FILES);
    assert_in_range(descriptors_of(daemon_of(workspace)), 1, BOUND);
    assert_in_range(read_status_number(workspace, "descriptors"), 0, 110);
    assert_int_equal(read_status_number(workspace, "open_files"), 0);
    workspace_unmount(workspace);
}

static void forgotten_files_are_let_go(void **state)
{
    enum { FILES = 2000 };
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    unsigned before = descriptors_of(daemon_of(workspace));
    make_files(FILES);
    read_files(FILES);
    for (int i = 0; i < FILES; i++) {
        char path[64];
        assert_ok(unlink(numbered(i, path)));
    }
    for (int i = 0; i < FILES / 1000; i++) {
        char path[64];
        snprintf(path, sizeof(path), "mnt/d%d", i);
        assert_ok(rmdir(path));
    }
    assert_true(status_becomes(workspace, "nodes", 4));
    assert_in_range(descriptors_of(daemon_of(workspace)), 1, before + 4);
    workspace_unmount(workspace);
}

static void let_go_when_the_kernel_needs_memory(void **state)
{
    enum { FILES = 2000 };
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // Only root can make the kernel forget.
    workspace_mount(workspace, true, "");
    unsigned before = descriptors_of(daemon_of(workspace));
    make_files(FILES);
    assert_true(read_status_number(workspace, "nodes") >= FILES);
    int fd = open_file("/proc/sys/vm/drop_caches", O_WRONLY);
    assert_int_equal(write(fd, "2", 1), 1);
    assert_ok(close(fd));
    assert_true(status_becomes(workspace, "nodes", FILES / 10));
    assert_in_range(descriptors_of(daemon_of(workspace)), 1, before + FILES / 10);
    read_files(FILES);
    workspace_unmount(workspace);
}

/* Runs what follows with few descriptors, in a child: its limits are its own. */
static struct program_result mount_with_few_descriptors(const struct workspace *workspace,
                                                        const char *limit, const char *options)
{
    char script[256], all[256];

    snprintf(all, sizeof(all), "%s%s", workspace->passthrough ? "defaults" : "nopassthrough",
             options);
    snprintf(script, sizeof(script), "ulimit -n %s && exec \"$@\"", limit);
    return run_program("sh", "-c", script, "sh", shmapfs(), workspace->mnt, "-o", all, NULL);
}

/* Wherever on its way the daemon runs out of them: it says so, in one line, and nothing stays. */
static void a_limit_that_is_too_low_is_told(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char *tree = workspace_tree();
    int number = 3;

    for (;; number++) {
        char limit[16];
        snprintf(limit, sizeof(limit), "%d", number);
        struct program_result result = mount_with_few_descriptors(workspace, limit, "");
        if (result.status == 0)
            break;
        assert_true(number < 64);
        // With three or so not even the program's libraries can be loaded.
        if (result.status != 127)
            assert_refused(&result, 1, "Too many open files", NULL);
        assert_nothing_left(workspace, tree);
    }
    free(tree);
    workspace_unmount(workspace);
}

static void survives_a_low_limit_of_descriptors(void **state)
{
    enum { MANY = 1000 };
    struct workspace *workspace = workspace_of(state);
    int fds[MANY];
    int opened = 0;
    char path[64];

    struct program_result result = mount_with_few_descriptors(workspace, "256", "");
    assert_done(&result);
    assert_ok(mkdir("mnt/d0", 0755));
    for (; opened < MANY; opened++) {
        fds[opened] = open(numbered(opened, path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fds[opened] == -1)
            break;
        assert_int_equal(write(fds[opened], &opened, sizeof(opened)), sizeof(opened));
    }
    if (opened < MANY) {
        assert_int_equal(errno, ENFILE);
        assert_true(opened > 50);
    }
    // What is open goes on working, and what is closed makes room.
    for (int i = 0; i < opened; i++) {
        int number = -1;
        assert_int_equal(pread(fds[i], &number, sizeof(number), 0), sizeof(number));
        assert_int_equal(number, i);
    }
    for (int i = 0; i < opened; i++)
        assert_ok(close(fds[i]));
    if (workspace->root)
        read_files(opened);
    for (int i = 0; i < opened; i++)
        assert_ok(unlink(numbered(i, path)));
    assert_true(status_becomes(workspace, "open_files", 0));
    put_file("mnt/d0/last", "works");
    assert_content("mnt/d0/last", "works");
    workspace_unmount(workspace);
}

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

/* A file without a descriptor is found again by its name, of whatever length. */
static void long_names_with_few_descriptors(void **state)
{
    enum { FILES = 300, LENGTH = 120 };
    struct workspace *workspace = workspace_of(state);
    char path[PATH_MAX];
    int count = 0;
    struct dirent *entry;

    struct program_result result = mount_with_few_descriptors(workspace, "128", "");
    assert_done(&result);
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof(path), "mnt/%0*d", LENGTH, i);
        put_file(path, path);
    }
    DIR *directory = opendir("mnt");
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        assert_int_equal(strlen(entry->d_name), LENGTH);
        snprintf(path, sizeof(path), "mnt/%s", entry->d_name);
        assert_int_equal(stat_of(path).st_size, LENGTH + 4);
        assert_content(path, path);
        count++;
    }
    assert_int_equal(count, FILES);
    assert_ok(closedir(directory));
    workspace_unmount(workspace);
}

static const char *directory_path(int number, char path[64])
{
    snprintf(path, 64, "mnt/directory%d", number);
    return path;
}

/* Opens directories until there are no descriptors left for more. Returns how many. */
static int open_directories(DIR *directories[], int most)
{
    char path[64];

    for (int i = 0; i < most; i++) {
        directories[i] = opendir(directory_path(i, path));
        if (directories[i] == NULL) {
            assert_int_equal(errno, ENFILE);
            return i;
        }
    }
    return most;
}

/* The contents of an open file, by ways that lead to the daemon. */
static void assert_open_file_works(int fd, int round)
{
    char text[32], found[32] = "";

    snprintf(text, sizeof(text), "round %d", round);
    assert_int_equal(pwrite(fd, text, sizeof(text), round * 4096), sizeof(text));
    assert_ok(fsync(fd));
    assert_ok(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    assert_int_equal(pread(fd, found, sizeof(found), round * 4096), sizeof(found));
    assert_string_equal(found, text);
    assert_int_equal(lseek(fd, round * 4096, SEEK_DATA), round * 4096);
}

/* `options` says how many descriptors are kept at hand. */
static void open_all_directories(const struct workspace *workspace, const char *options)
{
    enum { MANY = 400, LIMIT = 256, OWN = 60 };
    DIR *directories[MANY];
    char path[64];

    // Where listings may be kept, an open directory need not take a descriptor.
    snprintf(path, sizeof(path), "%s,timeout=0", options);
    struct program_result result = mount_with_few_descriptors(workspace, "256", path);
    assert_done(&result);
    for (int i = 0; i < MANY; i++)
        assert_ok(mkdir(directory_path(i, path), 0755));
    int fd = open_file("mnt/file", O_RDWR | O_CREAT);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++)
            stat_of(directory_path(i, path));
        int opened = open_directories(directories, MANY);
        // What is only kept at hand makes room for them.
        assert_in_range(opened, LIMIT - OWN, MANY - 1);
        assert_open_file_works(fd, round);
        for (int i = 0; i < opened; i++)
            assert_ok(closedir(directories[i]));
        for (int i = 0; i < MANY; i++)
            assert_ok(access(directory_path(i, path), W_OK));
        put_file("mnt/last", "works");
        assert_content("mnt/last", "works");
        assert_ok(unlink("mnt/last"));
    }
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

static void directories_take_what_is_kept_at_hand(void **state)
{
    open_all_directories(workspace_of(state), ",descriptors=128");
}

static void open_files_need_no_more_descriptors(void **state)
{
    open_all_directories(workspace_of(state), ",descriptors=16");
}

static void thirty_thousand_files(void **state)
{
    enum { FILES = 30000 };
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
    // A descriptor for each is more than the machine allows this user: a clean ENFILE, and the mount lives.
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

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(bounded_whatever_is_looked_up),
    cmocka_unit_test(forgotten_files_are_let_go),
    cmocka_unit_test(let_go_when_the_kernel_needs_memory),
    cmocka_unit_test(a_limit_that_is_too_low_is_told),
    cmocka_unit_test(survives_a_low_limit_of_descriptors),
    cmocka_unit_test(reader_and_writer_keep_their_own_access),
    cmocka_unit_test(long_names_with_few_descriptors),
    cmocka_unit_test(directories_take_what_is_kept_at_hand),
    cmocka_unit_test(open_files_need_no_more_descriptors),
    cmocka_unit_test(thirty_thousand_files),
};

WORKSPACE_MAIN("descriptors", cases)
