// SPDX-License-Identifier: BSD-2-Clause
// shmapctl snapshot: what of a tree is in it, and what it is refused.
#include "tests/mount/cases/commands/shmapctl_run.h"
#include "tests/mount/cases/commands/traced_command.h"
#include "tests/mount/cases/journal/crash.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SIZE = 4 << 20, WRITTEN = 3 };

static const struct timespec THEN[2] = { { 1000000000, 5 }, { 1000000001, 500 } };

static struct program_result snapshot_to(const char *destination, const char *option)
{
    return run_program(shmapctl(), "snapshot", "mnt", destination, option, NULL);
}

static void assert_attribute(const char *path, const char *name, const char *value)
{
    char found[64] = "";

    assert_int_equal(getxattr(path, name, found, sizeof(found) - 1), strlen(value));
    assert_string_equal(found, value);
}

/* A file with data at both ends, and a hole between. */
static void make_sparse(const char *path)
{
    int fd = new_file(path, SIZE);

    assert_int_equal(pwrite(fd, "first", 5, 0), 5);
    assert_int_equal(pwrite(fd, "last", 4, SIZE - 4), 4);
    assert_ok(fsync(fd));
    assert_ok(setxattr(path, "user.note", "kept", 4, 0));
    assert_ok(fchmod(fd, 0640));
    assert_ok(futimens(fd, THEN));
    close(fd);
}

static void assert_sparse(const char *path)
{
    struct stat st = stat_of(path);
    char *mapping = map_path(path, SIZE);

    assert_non_null(mapping);
    assert_int_equal(st.st_size, SIZE);
    assert_true(st.st_blocks * 512 < SIZE / 2);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(compare_times(st.st_mtim, THEN[1]), 0);
    assert_memory_equal(mapping, "first", 6);
    assert_memory_equal(mapping + SIZE - 5, "\0last", 5);
    assert_attribute(path, "user.note", "kept");
    unmap(mapping, SIZE);
}

static void make_tree(const struct workspace *workspace)
{
    mount_class(workspace, "atomic", "checkpoint=saved,anon=cache");
    make_sparse("mnt/dir/sparse");
    make_sparse("mnt/saved/sparse");
    make_sparse("mnt/sparse");
    assert_ok(set_control("mnt/dir", "user.shmapfs.commit", "sync"));
    assert_ok(set_control("mnt/saved", "user.shmapfs.interval", "7"));
    assert_ok(link("mnt/dir/sparse", "mnt/dir/name"));
    assert_ok(mkdir("mnt/dir/sub", 0750));
    assert_ok(symlink("../sparse", "mnt/dir/sub/link"));
    assert_ok(mkfifo("mnt/dir/sub/fifo", 0600));
    assert_ok(utimensat(AT_FDCWD, "mnt/dir/sub", THEN, 0));
    put_file("mnt/own", "own");
    assert_ok(set_class("mnt/own", "atomic"));
    put_file("mnt/cache/file", "cached");
    assert_ok(mkdir("mnt/cache/sub", 0700));
    if (workspace->root)
        assert_ok(chown("mnt/dir/sub/fifo", 12, 34));
}

static void assert_tree(const struct workspace *workspace, const char *top)
{
    char previous[PATH_MAX];
    char target[32] = "";

    assert_non_null(getcwd(previous, sizeof(previous)));
    assert_ok(chdir(top));
    assert_sparse("dir/sparse");
    assert_sparse("saved/sparse");
    assert_sparse("sparse");
    assert_int_equal(stat_of("dir/sparse").st_ino, stat_of("dir/name").st_ino);
    assert_int_equal(stat_of("dir/sub").st_mode & 07777, 0750);
    assert_int_equal(compare_times(stat_of("dir/sub").st_mtim, THEN[1]), 0);
    assert_int_equal(readlink("dir/sub/link", target, sizeof(target) - 1), 9);
    assert_string_equal(target, "../sparse");
    assert_true(S_ISFIFO(lstat_of("dir/sub/fifo").st_mode));
    if (workspace->root)
        assert_true(lstat_of("dir/sub/fifo").st_uid == 12 && lstat_of("dir/sub/fifo").st_gid == 34);
    assert_content("own", "own");
    assert_ok(chdir(previous));
}

/* All is as it was, and each directory and file has its class. */
static void it_can_be_mounted_as_a_store(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;

    make_tree(workspace);
    result = snapshot_to("copy", NULL);
    assert_done(&result);
    assert_tree(workspace, "copy");
    assert_true(exists("copy/cache") && !exists("copy/cache/file"));
    workspace_unmount(workspace);
    assert_ok(rename("store", "before"));
    assert_ok(rename("copy", "store"));
    workspace_mount(workspace, true, "");
    assert_tree(workspace, "mnt");
    assert_class("mnt/dir", "atomic");
    assert_class("mnt/dir/sub", "atomic");
    assert_class("mnt/saved", "checkpoint");
    assert_class("mnt/cache", "anon");
    assert_class("mnt/own", "atomic");
    assert_class("mnt/sparse", "persist");
    assert_attribute("mnt/dir", "user.shmapfs.commit", "sync");
    assert_attribute("mnt/saved", "user.shmapfs.interval", "7");
    put_file("mnt/saved/more", "more");
    workspace_unmount(workspace);
    assert_content("store/saved/more", "more");
}

static void with_what_does_not_last(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;

    make_tree(workspace);
    result = snapshot_to("copy", "--anon");
    assert_done(&result);
    assert_tree(workspace, "copy");
    assert_content("copy/cache/file", "cached");
    assert_true(exists("copy/cache/sub"));
    workspace_unmount(workspace);
    // In a store it is to be seen.
    assert_ok(rename("store", "before"));
    assert_ok(rename("copy", "store"));
    workspace_mount(workspace, true, "");
    assert_class("mnt/cache", "persist");
    assert_content("mnt/cache/file", "cached");
    workspace_unmount(workspace);
}

static void nobody_may_write_to_it(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;

    make_tree(workspace);
    assert_ok(mkdir("copy", 0700));
    result = snapshot_to("copy", "--read-only");
    assert_done(&result);
    assert_int_equal(stat_of("copy/dir/sparse").st_mode & 07777, 0440);
    assert_int_equal(stat_of("copy/dir/sub").st_mode & 07777, 0550);
    assert_int_equal(stat_of("copy").st_mode & 0222, 0);
    result = run_program("find", "copy", "-perm", "/222", "!", "-type", "l", "!", "-path",
                         "*/.shmapfs*", NULL);
    assert_ended(&result, 0, "");
    result = run_program("chmod", "-R", "u+w", "copy", NULL);
    workspace_unmount(workspace);
}

static bool is_reading(uint64_t number)
{
    return number == SYS_pread64;
}

/* Only a file without commits can be torn, and then it is said. */
static void a_plain_file_that_is_written(void **state)
{
    static const char *const words[] = { "shmapctl", "snapshot", "mnt", "copy", NULL };
    struct workspace *workspace = workspace_of(state);
    uint64_t number;
    uint64_t value = 1;
    int status;

    workspace_mount(workspace, true, "");
    make_sparse("mnt/sparse");
    char *mapping = map_path("mnt/sparse", SIZE);
    assert_non_null(mapping);
    pid_t pid = start_traced(NULL, words);
    bool came = false;
    while (go_to_next(pid, is_reading, &number, &status)) {
        *(uint64_t *)mapping = value++;
        came = true;
    }
    // Where the store's file could be cloned, it is as of one instant.
    if (came) {
        assert_int_equal(status, WRITTEN << 8);
        assert_said("copy: 1 plain files were written meanwhile, and may be torn");
    }
    assert_int_equal(stat_of("copy/sparse").st_size, SIZE);
    unmap(mapping, SIZE);
    workspace_unmount(workspace);
}

/* Files that a user cannot read are not in his snapshot, and he hears of it. */
static void what_cannot_be_read(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;

    mount_class(workspace, "atomic", "");
    put_file("mnt/dir/secret", "secret");
    put_file("mnt/secret", "secret");
    put_file("mnt/dir/file", "file");
    assert_ok(mkdir("mnt/closed", 0700));
    put_file("mnt/closed/file", "file");
    assert_ok(chmod("mnt/dir/secret", 0));
    assert_ok(chmod("mnt/secret", 0));
    assert_ok(chmod("mnt/closed", 0));
    result = snapshot_to("copy", NULL);
    assert_content("copy/dir/file", "file");
    if (workspace->root) {
        assert_done(&result);
        assert_content("copy/dir/secret", "secret");
    } else {
        assert_int_equal(result.status, WRITTEN);
        assert_non_null(strstr(result.err, "copy: 3 names are left out"));
        assert_false(exists("copy/dir/secret"));
        assert_false(exists("copy/secret"));
    }
    assert_ok(chmod("mnt/closed", 0700));
    assert_ok(chmod("copy/closed", 0700));
    workspace_unmount(workspace);
}

static void what_is_refused(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;
    static const struct {
        const char *mount, *destination, *words[2];
    } cases[] = {
        { "mnt/dir", "copy", { "mnt/dir", "not its root" } },
        { "none", "copy", { "none", "No such file" } },
        { "mnt", "mnt/copy", { "mnt/copy", "inside of the mount" } },
        { "mnt", "store/copy", { "store/copy", "inside of STORE" } },
        { "mnt", "store/plain/copy", { "store/plain/copy", "inside of STORE" } },
        { "mnt", "full", { "full", "not empty" } },
        { "mnt", "full/file", { "full/file", "no directory" } },
        { "mnt", "none/copy", { "none/copy", "No such file" } },
        { "mnt", "/", { "/", "not empty" } },
    };

    mount_class(workspace, "atomic", "");
    put_file("mnt/dir/file", "file");
    assert_ok(mkdir("mnt/plain", 0755));
    assert_ok(mkdir("full", 0755));
    put_file("full/file", "file");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        result = run_program(shmapctl(), "snapshot", cases[i].mount, cases[i].destination, NULL);
        assert_refused(&result, 1, cases[i].words[0], cases[i].words[1], NULL);
    }
    result = run_program("ls", "-A", NULL);
    assert_ended(&result, 0, "full\nmnt\nstore\n");
    result = run_program(shmapctl(), "--json", "snapshot", "mnt", "copy", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "\"files\":1"));
    assert_non_null(strstr(result.out, "\"torn\":0"));
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(it_can_be_mounted_as_a_store), cmocka_unit_test(with_what_does_not_last),
    cmocka_unit_test(nobody_may_write_to_it),       cmocka_unit_test(a_plain_file_that_is_written),
    cmocka_unit_test(what_cannot_be_read),          cmocka_unit_test(what_is_refused),
};

WORKSPACE_MAIN("snapshot_tree", cases)
