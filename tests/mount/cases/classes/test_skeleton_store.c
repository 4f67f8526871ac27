// SPDX-License-Identifier: BSD-2-Clause
// Skeletons in the store: what others put there, what has no room in RAM, what has no path.
#include "tests/mount/cases/classes/skeleton.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Nothing that is put into the store is more than a directory there. */
static void store_is_not_trusted(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch,skeleton");
    assert_ok(mkdir("mnt/scratch/a", 0755));
    assert_ok(mkdir("outside", 0755));
    workspace_unmount(workspace);
    assert_ok(symlink("../../outside", "store/scratch/link"));
    assert_ok(symlink("/", "store/scratch/a/link"));
    assert_ok(mkfifo("store/scratch/fifo", 0666));
    put_file("store/scratch/a/file", "of somebody");
    assert_ok(mkdir("store/scratch/more", 0755));
    struct program_result result = workspace_try_mount(workspace, true, "anon=scratch");
    assert_refused(&result, 1, "anon=scratch", "not empty", NULL);
    workspace_mount(workspace, true, "");
    assert_true(exists("mnt/scratch/a") && exists("mnt/scratch/more"));
    assert_false(exists("mnt/scratch/link") || exists("mnt/scratch/fifo"));
    assert_false(exists("mnt/scratch/a/link") || exists("mnt/scratch/a/file"));
    // Something of somebody else's is neither followed nor removed.
    assert_errno(mkdir("mnt/scratch/link", 0755), EEXIST);
    assert_false(exists("mnt/scratch/link"));
    assert_errno(rmdir("mnt/scratch/a"), ENOTEMPTY);
    assert_content("store/scratch/a/file", "of somebody");
    assert_true(unlink("store/scratch/a/file") == 0 && unlink("store/scratch/a/link") == 0);
    assert_ok(rmdir("mnt/scratch/a"));
    // Directories that are gone from it are made again.
    assert_ok(mkdir("mnt/scratch/more/below", 0755));
    assert_true(rmdir("store/scratch/more/below") == 0 && rmdir("store/scratch/more") == 0);
    assert_ok(mkdir("mnt/scratch/more/below/deep", 0755));
    assert_true(exists("store/scratch/more/below/deep"));
    assert_ok(rmdir("outside"));
    workspace_unmount(workspace);
}

/* A directory that somebody puts in a mirror's place does not become his who owns the one in RAM.
 * */
static void nobody_gets_a_directory_of_others(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // There is one user.
    workspace_mount(workspace, true, "anon=scratch,skeleton");
    assert_true(mkdir("mnt/scratch/mine", 0755) == 0 && chown("mnt/scratch/mine", 1234, 1234) == 0);
    assert_true(mkdir("mnt/theirs", 0755) == 0 && chown("mnt/theirs", 4321, 4321) == 0);
    put_file("mnt/theirs/file", "contents");
    assert_ok(rmdir("store/scratch/mine"));
    assert_ok(rename("store/theirs", "store/scratch/mine"));
    assert_errno(chmod("mnt/scratch/mine", 0777), ENOTEMPTY);
    assert_errno(mkdir("mnt/scratch/mine/below", 0777), ENOTEMPTY);
    assert_int_equal(stat_of("store/scratch/mine").st_uid, 4321);
    assert_int_equal(stat_of("store/scratch/mine").st_mode & 07777, 0755);
    assert_ok(unlink("store/scratch/mine/file"));
    assert_ok(chmod("mnt/scratch/mine", 0777));
    assert_int_equal(stat_of("store/scratch/mine").st_uid, 1234);
    assert_mirrored("scratch");
    workspace_unmount(workspace);
}

static unsigned count_directories(const char *path)
{
    char *skeleton = skeleton_of(path);
    unsigned count = 0;

    for (const char *line = skeleton; *line != '\0'; line = strchr(line, '\n') + 1)
        count++;
    free(skeleton);
    return count;
}

/* A directory without room comes back when there is room again. */
static void skeleton_without_room(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char path[64];

    workspace_mount(workspace, true, "anon=scratch,skeleton");
    for (int i = 0; i < 60; i++) {
        snprintf(path, sizeof(path), "mnt/scratch/%d", i);
        assert_ok(mkdir(path, 0755));
        snprintf(path, sizeof(path), "mnt/scratch/%d/below", i);
        assert_ok(mkdir(path, 0755));
    }
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "nr_inodes=80");
    unsigned found = count_directories("mnt/scratch");
    assert_true(found > 61 && found < 80);
    assert_errno(mkdir("mnt/scratch/new", 0755), ENOSPC);
    // A removed directory takes with it what did not come back.
    struct program_result result = run_program("rm", "-r", "mnt/scratch/7", NULL);
    assert_done(&result);
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "");
    assert_int_equal(count_directories("mnt/scratch"), 1 + 2 * 59);
    result = run_program("rm", "-r", "mnt/scratch", NULL);
    assert_done(&result);
    assert_false(exists("store/scratch"));
    workspace_unmount(workspace);
}

static void set_immutable(const char *path, bool set)
{
    struct program_result result = run_program("chattr", set ? "+i" : "-i", path, NULL);

    assert_done(&result);
}

/* Directories that have no room stay in the store while a class root cannot be removed. */
static void skeleton_of_what_stays(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char path[64];

    if (!workspace->root)
        return; // Nobody else sets the flag.
    workspace_mount(workspace, true, "anon=dir/scratch,skeleton");
    for (int i = 0; i < 60; i++) {
        snprintf(path, sizeof(path), "mnt/dir/scratch/%d", i);
        assert_ok(mkdir(path, 0755));
    }
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "nr_inodes=40");
    struct program_result result = run_program("sh", "-c", "rmdir mnt/dir/scratch/*", NULL);
    assert_done(&result);
    unsigned left = count_directories("store/dir/scratch");
    assert_true(left > 1);
    assert_ok(mkdir("mnt/dir/other", 0755));
    put_file("mnt/file", "");
    assert_errno(rename("mnt/file", "mnt/dir/scratch"), EISDIR);
    set_immutable("store/dir", true);
    assert_errno(rmdir("mnt/dir/scratch"), EPERM);
    assert_errno(rename("mnt/dir/other", "mnt/dir/scratch"), EPERM);
    set_immutable("store/dir", false);
    put_file("store/dir/scratch/file", "of somebody");
    assert_errno(rmdir("mnt/dir/scratch"), ENOTEMPTY);
    assert_int_equal(count_directories("store/dir/scratch"), left);
    assert_ok(unlink("store/dir/scratch/file"));
    assert_ok(rename("mnt/dir/other", "mnt/dir/scratch"));
    assert_int_equal(count_directories("store/dir/scratch"), 1);
    workspace_unmount(workspace);
}

/* A removed directory that is still in use, and one whose path is too long. */
static void directories_without_a_path(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char name[201];
    int home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    memset(name, 'n', 200);
    name[200] = '\0';
    workspace_mount(workspace, true, "anon=scratch,skeleton");
    assert_ok(mkdir("mnt/scratch/removed", 0755));
    int removed = open("mnt/scratch/removed", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_ok(rmdir("mnt/scratch/removed"));
    assert_ok(mkdir("mnt/scratch/removed (deleted)", 0755));
    assert_ok(fchmod(removed, 0700));
    assert_errno(mkdirat(removed, "below", 0755), ENOENT);
    assert_ok(close(removed));
    assert_mirrored("scratch");
    assert_ok(chdir("mnt/scratch"));
    for (int i = 0; i < 25; i++)
        assert_true(mkdir(name, 0755) == 0 && chdir(name) == 0);
    assert_ok(fchdir(home));
    struct program_result result = run_program("rm", "-r", "mnt/scratch", NULL);
    assert_done(&result);
    assert_false(exists("store/scratch"));
    assert_ok(close(home));
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(store_is_not_trusted),
    cmocka_unit_test(nobody_gets_a_directory_of_others),
    cmocka_unit_test(skeleton_without_room),
    cmocka_unit_test(skeleton_of_what_stays),
    cmocka_unit_test(directories_without_a_path),
};

WORKSPACE_MAIN("skeleton_store", cases)
