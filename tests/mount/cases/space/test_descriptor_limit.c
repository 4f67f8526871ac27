// SPDX-License-Identifier: BSD-2-Clause
/* A mount with few descriptors. */
#include "tests/mount/cases/space/numbered_files.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Runs what follows with few descriptors, in a child: its limits are its own. */
static struct program_result mount_with_few_descriptors(const struct workspace *workspace,
                                                        const char *limit, const char *options)
{
    char script[256], all[256];

    snprintf(all, sizeof(all), "%s%s", workspace->nopassthrough ? "nopassthrough" : "defaults",
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
        // Not even the program's libraries can be loaded with three or so.
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
    // Open files go on working, and closed ones make room.
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

    // An open directory need not take a descriptor where listings may be kept.
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
        // Descriptors that are only kept at hand make room for them.
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

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(a_limit_that_is_too_low_is_told),
    cmocka_unit_test(survives_a_low_limit_of_descriptors),
    cmocka_unit_test(long_names_with_few_descriptors),
    cmocka_unit_test(directories_take_what_is_kept_at_hand),
    cmocka_unit_test(open_files_need_no_more_descriptors),
};

WORKSPACE_MAIN("descriptor_limit", cases)
