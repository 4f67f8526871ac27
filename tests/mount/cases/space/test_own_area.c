// SPDX-License-Identifier: BSD-2-Clause
/* RAM areas that directories have for themselves: their limits, and who may give them. */
#include "tests/mount/cases/space/own_area.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"
#include "tests/mount/keeper/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/api/shmap.h"

enum { KIB = 1 << 10, MIB = 1 << 20, AREAS_MOST = 100, FAILED = 1, USAGE = 2 };

static void each_is_full_at_its_own_limit(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "size=4m,huge=never");
    make_limited("mnt/a", "size=1m");
    make_limited("mnt/b", "size=128k,nr_inodes=10");
    make_class_root("mnt/shared", "anon");
    assert_limit("mnt/a", MIB);
    assert_limit("mnt/shared", 4 * MIB);
    assert_true(fill_up("mnt/a/file") == MIB);
    assert_ok(mkdir("mnt/a/below", 0755));
    assert_true(assert_limit("mnt/a/below", MIB) == MIB);
    assert_int_equal(assert_limit("mnt/b", 128 * KIB), 0);
    put_file("mnt/shared/file", "contents");
    assert_true(fill_up("mnt/b/file") == 128 * KIB);

    char path[64];
    int count = 0;
    do
        snprintf(path, sizeof(path), "mnt/b/file%d", count++);
    while (mknod(path, S_IFREG | 0644, 0) == 0);
    assert_int_equal(errno, ENOSPC);
    assert_in_range(count, 5, 9);

    // As between two mounts.
    assert_errno(rename("mnt/shared/file", "mnt/a/other"), EXDEV);
    assert_errno(rename("mnt/a/file", "mnt/b/other"), EXDEV);
    assert_errno(rename("mnt/a/below", "mnt/shared/below"), EXDEV);
    assert_errno(link("mnt/a/file", "mnt/b/other"), EXDEV);
    assert_int_equal(truncate("mnt/a/file", 0), 0);
    assert_int_equal(assert_limit("mnt/a", MIB), 0);
    assert_true(stat_of("mnt/a/below").st_ino != stat_of("mnt/b/file").st_ino);
    workspace_unmount(workspace);
}

static void next_mount_has_them(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "size=4m");
    assert_ok(mkdir("mnt/deep", 0755));
    make_limited("mnt/deep/a", "size=1m,nr_inodes=20,huge=never");
    make_limited("mnt/b", "size=2m");
    put_file("mnt/deep/a/file", "contents");
    assert_ok(set_area("mnt/b", "size=3m"));
    assert_ok(rename("mnt/b", "mnt/deep/b"));
    workspace_unmount(workspace);

    workspace_mount(workspace, true, "size=4m");
    assert_int_equal(count_areas(workspace), 0);
    assert_class("mnt/deep/a", "anon");
    assert_area("mnt/deep/a", "size=1m,nr_inodes=20,huge=never");
    assert_limit("mnt/deep/a", MIB);
    assert_limit("mnt/deep/b", 3 * MIB);
    assert_false(exists("mnt/deep/a/file"));
    assert_int_equal(count_areas(workspace), 2);
    // A directory that is persisted has no limit any more, nor when it is anonymous again.
    assert_ok(set_class("mnt/deep/a", "persist"));
    assert_ok(set_class("mnt/deep/a", "anon"));
    assert_area("mnt/deep/a", NULL);
    assert_limit("mnt/deep/a", 4 * MIB);
    assert_ok(rmdir("mnt/deep/b"));
    assert_int_equal(count_areas(workspace), 0);
    workspace_unmount(workspace);
}

static void resized_while_in_use(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "size=4m");
    make_limited("mnt/a", "size=1m,huge=never");
    int fd = open_file("mnt/a/file", O_RDWR | O_CREAT);
    assert_ok(ftruncate(fd, 4 * MIB));
    char *mapping = map_shared(fd, 4 * MIB);
    memset(mapping, 'x', MIB - 4 * KIB);
    struct program_result result = run_program(shmapctl(), "resize", "mnt/a", "2m", NULL);
    assert_done(&result);
    assert_area("mnt/a", "size=2m,huge=never");
    memset(mapping, 'y', 2 * MIB - 4 * KIB);
    // Without passthrough what is mapped arrives with this.
    assert_ok(fsync(fd));
    assert_true(assert_limit("mnt/a", 2 * MIB) >= 2 * MIB - 4 * KIB);
    assert_errno(set_area("mnt/a", "size=512k"), EBUSY);
    assert_errno(set_area("mnt/a", "noswap"), EBUSY);
    assert_area("mnt/a", "size=2m,huge=never");
    result = run_program(shmapctl(), "resize", "mnt/a", "512k", NULL);
    assert_refused(&result, FAILED, "512k", "in use", "larger", NULL);
    assert_limit("mnt/a", 2 * MIB);
    assert_ok(ftruncate(fd, 0));
    assert_ok(set_area("mnt/a", "size=512k,nr_inodes=77"));
    assert_area("mnt/a", "size=512k,nr_inodes=77,huge=never");
    struct statvfs vfs;
    assert_ok(statvfs("mnt/a", &vfs));
    assert_int_equal(vfs.f_files, 77);
    unmap(mapping, 4 * MIB);
    assert_ok(close(fd));
    // One that shares the mount's gets one if it is empty.
    make_class_root("mnt/b", "anon");
    put_file("mnt/b/file", "contents");
    assert_errno(set_area("mnt/b", "size=1m"), ENOTEMPTY);
    assert_content("mnt/b/file", "contents");
    assert_ok(unlink("mnt/b/file"));
    assert_ok(set_area("mnt/b", "size=1m"));
    assert_limit("mnt/b", MIB);
    put_file("mnt/b/file", "contents");
    assert_content("mnt/b/file", "contents");
    workspace_unmount(workspace);
}

static void bad_input_changes_nothing(void **state)
{
    struct workspace *workspace = workspace_of(state);
    static const char *const wrong[] = {
        "size=1q",     "size=-1",        "size=",    "nr_inodes=50%",
        "huge=maybe",  "noswap=1",       "mode=700", "",
        "mpol=a b",    "size=1m,,",      "size",     "nr_inodes=9",
        "size=1m,x=y", "huge=never,size"
    };

    workspace_mount(workspace, true, "size=4m");
    assert_true(mkdir("mnt/plain", 0755) == 0 && mkdir("mnt/plain/below", 0755) == 0);
    assert_ok(mkdir("mnt/empty", 0755));
    make_class_root("mnt/anon", "anon");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_errno(set_area("mnt/anon", wrong[i]), EINVAL);
    assert_errno(set_area("mnt/anon", "size=0"), ERANGE);
    assert_errno(set_area("mnt/anon", "size=1"), ERANGE);
    assert_errno(set_class("mnt/empty", "anon,noswap"), EINVAL);
    assert_errno(set_class("mnt/empty", "persist,size=1m"), EINVAL);
    assert_errno(set_class("mnt/empty", "anon,"), EINVAL);
    assert_errno(set_class("mnt/plain", "anon,size=1m"), ENOTEMPTY);
    assert_class("mnt/empty", "persist");
    assert_errno(set_area("mnt/empty", "size=1m"), EINVAL);
    assert_errno(set_area("mnt", "size=1m"), EINVAL);
    assert_ok(mkdir("mnt/anon/below", 0755));
    assert_errno(set_area("mnt/anon/below", "size=1m"), EINVAL);
    put_file("mnt/anon/file", "");
    assert_errno(set_area("mnt/anon/file", "size=1m"), EINVAL);
    assert_errno(removexattr("mnt/anon", SHMAP_XATTR_AREA), ENODATA);
    assert_int_equal(count_areas(workspace), 0);
    assert_area("mnt/anon", NULL);

    struct program_result result = run_program(shmapctl(), "resize", "mnt/plain", "1m", NULL);
    assert_refused(&result, FAILED, "mnt/plain", "persisted", "shmapctl class", NULL);
    result = run_program(shmapctl(), "class", "mnt/empty", "persist", "--size", "1m", NULL);
    assert_refused(&result, USAGE, "size=1m", "anon", NULL);
    result = run_program(shmapctl(), "class", "mnt/empty", "anon", "--noswap", NULL);
    assert_int_equal(result.status, FAILED);
    assert_class("mnt/empty", "persist");
    workspace_unmount(workspace);
}

static void options_of_a_mount_give_them(void **state)
{
    struct workspace *workspace = workspace_of(state);
    static const char *const wrong[] = { "anon=size=1m", "anon=a:huge=never", "anon=a:size=0",
                                         "anon=a:size=1m:nr_inodes=x" };
    struct program_result result;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        result = workspace_try_mount(workspace, true, wrong[i]);
        assert_refused(&result, FAILED, "anon", NULL);
        assert_false(exists("store/a"));
    }
    workspace_mount(workspace, true, "size=4m,anon=a:size=1m:nr_inodes=9:b:noswap/:d/e:size=2m");
    assert_limit("mnt/a", MIB);
    assert_area("mnt/a", "size=1m,nr_inodes=9");
    assert_limit("mnt/b", 4 * MIB);
    assert_class("mnt/noswap", "anon");
    assert_limit("mnt/d/e", 2 * MIB);
    assert_ok(rmdir("mnt/a"));
    assert_ok(mkdir("mnt/a", 0755));
    assert_limit("mnt/a", MIB);
    // A word is no name.
    assert_ok(mkdir("mnt/size=1m", 0755));
    assert_class("mnt/size=1m", "persist");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "anon=a:size=3m");
    assert_limit("mnt/a", 3 * MIB);
    assert_limit("mnt/d/e", 2 * MIB);
    workspace_unmount(workspace);
}

static void commands_know_them(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "size=4m");
    assert_ok(mkdir("mnt/a", 0755));
    struct program_result result = run_program(shmapctl(), "class", "mnt/a", "anon", "--size", "1m",
                                               "--nr-inodes=50", "--huge=never", NULL);
    assert_done(&result);
    assert_true(fill_up("mnt/a/file") == MIB);
    assert_area("mnt/a", "size=1m,nr_inodes=50,huge=never");
    result = run_program(shmapctl(), "status", workspace->mnt, NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "area       a, size=1m,nr_inodes=50,huge=never\n"
                                       "           1.0M of 1.0M, 3 of 50 inodes\n"));
    result = run_program(shmapctl(), "--json", "status", workspace->mnt, NULL);
    assert_non_null(strstr(result.out, "\"areas\":[{\"directory\":\"a\""));
    result = run_program(shmapctl(), "ls", workspace->mnt, NULL);
    assert_non_null(strstr(result.out, "limit"));
    assert_non_null(strstr(result.out, "  a/\n"));
    result = run_program(shmapctl(), "--json", "ls", "mnt/a", NULL);
    assert_non_null(strstr(result.out, "\"areas\":[{\"path\":\".\",\"words\":\"size=1m"));
    result = run_program(shmapctl(), "--json", "class", "mnt/a", NULL);
    assert_non_null(strstr(result.out, "\"area\":\"size=1m,nr_inodes=50,huge=never\""));
    workspace_unmount(workspace);
}

static void remounts_change_limits(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;

    workspace_mount(workspace, true, "size=4m,anon=a:size=1m,noatime");
    make_class_root("mnt/b", "anon");
    assert_true(fill_up("mnt/a/file") == MIB);
    result = run_program(shmapfs(), workspace->mnt, "-o", "remount,anon=a:size=2m:b", NULL);
    assert_done(&result);
    assert_area("mnt/a", "size=2m");
    result = run_program(shmapfs(), workspace->mnt, "-o", "remount,anon=a:size=512k", NULL);
    assert_refused(&result, FAILED, "512k", "in use", NULL);
    result = run_program(shmapfs(), workspace->mnt, "-o", "remount,anon=b:size=2m", NULL);
    assert_refused(&result, FAILED, "anon=b", "shmapctl class", NULL);
    result = run_program(shmapfs(), workspace->mnt, "-o", "remount,anon=a:size=x", NULL);
    assert_refused(&result, FAILED, "size=x", NULL);
    assert_area("mnt/a", "size=2m");
    // Those that are made later have the flags that all have by then.
    make_limited("mnt/c", "size=1m");
    put_file("mnt/c/file", "contents");
    struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 2 } };
    assert_ok(utimensat(AT_FDCWD, "mnt/c/file", times, 0));
    assert_content("mnt/c/file", "contents");
    assert_int_equal(stat_of("mnt/c/file").st_atim.tv_sec, 1);
    workspace_unmount(workspace);
}

static void limit_path(int number, char path[64])
{
    snprintf(path, 64, "mnt/area%d", number);
}

/* Each child finds out what its own area has room for. */
static void fill_all(void)
{
    pid_t children[AREAS_MOST];
    char path[64];
    int status;

    for (int i = 0; i < AREAS_MOST; i++) {
        limit_path(i, path);
        strcat(path, "/file");
        children[i] = fork();
        if (children[i] == 0)
            _exit(fill_up(path) == (uint64_t)(i + 1) * 8 * KIB ? 0 : 1);
        assert_true(children[i] > 0);
    }
    for (int i = 0; i < AREAS_MOST; i++) {
        assert_ok(waitpid(children[i], &status, 0));
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

static void there_are_a_hundred(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char path[64], words[64];

    workspace_mount(workspace, true, "size=4m,huge=never");
    pid_t daemon = daemon_of(workspace);
    make_class_root("mnt/other", "anon");
    unsigned before = descriptors_of(daemon);
    for (int i = 0; i < AREAS_MOST; i++) {
        limit_path(i, path);
        snprintf(words, sizeof(words), "size=%dk", (i + 1) * 8);
        make_limited(path, words);
    }
    // Three for each area, and two for the directory that has it. Some may be about to be closed.
    assert_in_range(descriptors_of(daemon), before + 5 * AREAS_MOST - 9,
                    before + 5 * AREAS_MOST + 9);
    fill_all();
    put_file("mnt/other/file", "there is room");
    assert_int_equal(count_areas(workspace), AREAS_MOST);

    assert_ok(mkdir("mnt/more", 0755));
    assert_errno(set_class("mnt/more", "anon,size=1m"), EUSERS);
    assert_class("mnt/more", "persist");
    struct program_result result =
        run_program(shmapctl(), "class", "mnt/more", "anon", "--size", "1m", NULL);
    assert_refused(&result, FAILED, "mnt/more", "as many", NULL);
    // An area that has gone leaves its place to another one, though its files are open.
    int fd = open_file("mnt/area7/file", O_RDWR);
    assert_true(unlink("mnt/area7/file") == 0 && rmdir("mnt/area7") == 0);
    assert_errno(set_class("mnt/more", "anon,size=1m"), EUSERS);
    assert_int_equal(pwrite(fd, "still", 5, 0), 5);
    assert_ok(close(fd));
    assert_true(unlink("mnt/area8/file") == 0 && set_class("mnt/area8", "persist") == 0);
    assert_ok(set_class("mnt/more", "anon,size=1m"));
    assert_limit("mnt/more", MIB);
    put_file("mnt/more/file", "contents");
    assert_content("mnt/more/file", "contents");
    workspace_unmount(workspace);
}

static int limit_as_stranger(void *path)
{
    return result_of(set_area(path, "size=2m"));
}

static int limit_own_directory(void *path)
{
    return result_of(set_class(path, "anon,size=2m"));
}

static int list_areas(void *path)
{
    return getxattr(path, SHMAP_XATTR_AREAS, NULL, 0) == -1 ? errno : 0;
}

static void others_give_none(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "size=4m");
    make_limited("mnt/a", "size=1m");
    assert_ok(chmod("mnt/a", 0777));
    prepare_directory("mnt/alice", ALICE, ALICE, 0755);
    assert_int_equal(as(ALICE, limit_as_stranger, "mnt/a"), EPERM);
    assert_int_equal(as(ALICE, limit_own_directory, "mnt/alice"), EPERM);
    assert_class("mnt/alice", "persist");
    assert_int_equal(as(ALICE, list_areas, "mnt"), EPERM);
    make_class_root("mnt/forged", "anon");
    workspace_unmount(workspace);

    // Attributes that anybody can set in the store count for nothing.
    assert_ok(setxattr("store/forged", SHMAP_XATTR_AREA, "size=1g", 7, 0));
    workspace_mount(workspace, true, "size=4m");
    assert_area("mnt/forged", NULL);
    assert_limit("mnt/forged", 4 * MIB);
    assert_limit("mnt/a", MIB);
    assert_int_equal(getxattr("mnt/a", SHMAP_XATTR_AREA_TRUSTED, NULL, 0), -1);
    assert_errno(setxattr("mnt/a", SHMAP_XATTR_AREA_TRUSTED, "size=9m", 7, 0), EPERM);
    workspace_unmount(workspace);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(each_is_full_at_its_own_limit),
        cmocka_unit_test(next_mount_has_them),
        cmocka_unit_test(resized_while_in_use),
        cmocka_unit_test(bad_input_changes_nothing),
        cmocka_unit_test(options_of_a_mount_give_them),
        cmocka_unit_test(commands_know_them),
        cmocka_unit_test(remounts_change_limits),
        cmocka_unit_test(there_are_a_hundred),
        cmocka_unit_test(others_give_none),
    };

    return workspace_main(argc, argv, "own areas", cases, CASE_COUNT(argc, argv, cases, 1));
}
