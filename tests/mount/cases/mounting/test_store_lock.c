// SPDX-License-Identifier: BSD-2-Clause
// The lock of a store and of a mount point: what keeps two daemons apart, and nobody else away.
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"
#include "tests/mount/workspace/workspace.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <unistd.h>

#define PRIVATE "/.shmapfs"
#define LOCK    PRIVATE "/lock"

/* Opens a directory and locks it, as every process may that can read it. */
static int lock_of_stranger(const char *directory, int operation)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_ok(fd);
    assert_ok(flock(fd, operation));
    return fd;
}

static void strangers_prevent_no_mount(void **state)
{
    static const int operations[] = { LOCK_SH, LOCK_EX };
    struct workspace *workspace = workspace_of(state);

    for (int i = 0; i < 2; i++) {
        int store = lock_of_stranger("store", operations[i]);
        int mnt = lock_of_stranger("mnt", operations[i]);
        workspace_mount(workspace, true, "anon=scratch");
        put_file("mnt/file", "contents");
        // The daemon has the lock that counts.
        struct program_result result = run_program("flock", "-n", "store" LOCK, "true", NULL);
        assert_int_equal(result.status, 1);
        workspace_unmount(workspace);
        workspace_mount(workspace, true, "ro");
        workspace_unmount(workspace);
        assert_true(close(store) == 0 && close(mnt) == 0);
    }
    int mnt = lock_of_stranger("mnt", LOCK_EX);
    workspace_mount(workspace, false, "");
    workspace_unmount(workspace);
    assert_ok(close(mnt));
}

static void the_lock_is_for_the_owner_alone(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    assert_int_equal(stat_of("store" PRIVATE).st_mode & 07777, 0700);
    assert_int_equal(stat_of("store" LOCK).st_mode & 07777, 0600);
    assert_int_equal(stat_of("store" LOCK).st_uid, geteuid());
    workspace_unmount(workspace);
    // The directory that was opened up is closed again.
    assert_ok(chmod("store" PRIVATE, 0777));
    workspace_mount(workspace, true, "");
    assert_int_equal(stat_of("store" PRIVATE).st_mode & 07777, 0700);
    workspace_unmount(workspace);
}

static void store_that_another_daemon_has(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    workspace_unmount(workspace);
    char *tree = workspace_tree();
    static const char *const options[] = { "rw", "ro" };
    for (int i = 0; i < 2; i++) {
        // flock(1) holds what a daemon in another mount namespace would hold.
        struct program_result result =
            run_program("flock", "store" LOCK, shmapfs(), "store", "mnt", "-o", options[i], NULL);
        assert_refused(&result, 1, "STORE", "use", NULL);
        assert_nothing_left(workspace, tree);
    }
    free(tree);
}

static void versions_exclude_each_other(void **state)
{
    struct workspace *workspace = workspace_of(state);

    // The daemon of an earlier version has locked the directories themselves.
    struct program_result result = run_program("cp", "/usr/bin/flock", "shmapfs-early", NULL);
    assert_done(&result);
    char *tree = workspace_tree();
    result = run_program("./shmapfs-early", "store", shmapfs(), "store", "mnt", NULL);
    assert_refused(&result, 1, "STORE", "use", NULL);
    assert_nothing_left(workspace, tree);
    result = run_program("./shmapfs-early", "mnt", shmapfs(), "store", "mnt", NULL);
    assert_refused(&result, 1, "MOUNTPOINT", "busy", NULL);
    assert_nothing_left(workspace, tree);
    free(tree);
    workspace_mount(workspace, true, "");
    int store = open("store", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_errno(flock(store, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    assert_ok(close(store));
    workspace_unmount(workspace);
}

static bool is_listed(const char *directory, const char *name)
{
    DIR *stream = opendir(directory);
    const struct dirent *entry;
    bool found = false;

    assert_non_null(stream);
    while (!found && (entry = readdir(stream)) != NULL)
        found = strcmp(entry->d_name, name) == 0;
    assert_ok(closedir(stream));
    return found;
}

static void the_mount_hides_it(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    put_file("mnt/file", "");
    assert_ok(mkdir("mnt/directory", 0755));
    for (int round = 0; round < 2; round++)
        assert_true(is_listed("mnt", "file") && !is_listed("mnt", ".shmapfs"));
    assert_true(is_listed("store", ".shmapfs"));
    assert_errno(access("mnt" PRIVATE, F_OK), ENOENT);
    assert_errno(access("mnt" LOCK, F_OK), ENOENT);
    assert_errno(open("mnt" PRIVATE, O_RDONLY), ENOENT);
    assert_errno(rmdir("mnt" PRIVATE), ENOENT);
    assert_errno(unlink("mnt" PRIVATE), ENOENT);
    assert_errno(rename("mnt" PRIVATE, "mnt/moved"), ENOENT);
    assert_errno(open("mnt" PRIVATE, O_RDWR | O_CREAT, 0600), EACCES);
    assert_errno(mkdir("mnt" PRIVATE, 0755), EACCES);
    assert_errno(mkfifo("mnt" PRIVATE, 0600), EACCES);
    assert_errno(symlink("file", "mnt" PRIVATE), EACCES);
    assert_errno(link("mnt/file", "mnt" PRIVATE), EACCES);
    assert_errno(rename("mnt/file", "mnt" PRIVATE), EACCES);
    assert_errno(renameat2(AT_FDCWD, "mnt/directory", AT_FDCWD, "mnt" PRIVATE, RENAME_NOREPLACE),
                 EACCES);
    assert_true(exists("mnt/file") && exists("mnt/directory") && exists("store" LOCK));
    // It is a name like any other elsewhere.
    put_file("mnt/directory" PRIVATE, "");
    assert_true(is_listed("mnt/directory", ".shmapfs"));
    workspace_unmount(workspace);
    workspace_mount(workspace, false, "");
    assert_ok(mkdir("mnt" PRIVATE, 0755));
    assert_true(is_listed("mnt", ".shmapfs"));
    workspace_unmount(workspace);
    char *tree = workspace_tree();
    struct program_result result = workspace_try_mount(workspace, true, "anon=.shmapfs/scratch");
    assert_refused(&result, 1, "anon", ".shmapfs", NULL);
    assert_nothing_left(workspace, tree);
    free(tree);
}

static void reading_makes_nothing(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char *tree = workspace_tree();

    workspace_mount(workspace, true, "ro");
    workspace_unmount(workspace);
    assert_nothing_left(workspace, tree);
    free(tree);
}

static int make_private(void *path)
{
    return result_of(mkdir(path, 0777));
}

static void somebody_else_was_there_first(void **state)
{
    struct workspace *workspace = workspace_of(state);

    assert_ok(chmod("store", 01777));
    assert_int_equal(as(ALICE, make_private, "store" PRIVATE), 0);
    int stranger = lock_of_stranger("store", LOCK_EX);
    workspace_mount(workspace, true, "");
    assert_int_equal(stat_of("store" PRIVATE).st_uid, 0);
    assert_int_equal(stat_of("store" PRIVATE ".0").st_uid, ALICE);
    workspace_unmount(workspace);
    assert_ok(close(stranger));
    // The directory that the store's own owner has made is his to keep, and serves as well.
    assert_ok(rename("store" PRIVATE, "away"));
    assert_ok(chown("store", ALICE, ALICE));
    assert_int_equal(as(ALICE, make_private, "store" PRIVATE), 0);
    workspace_mount(workspace, true, "");
    assert_int_equal(stat_of("store" PRIVATE).st_uid, ALICE);
    assert_int_equal(stat_of("store" PRIVATE).st_mode & 0777, 0700);
    workspace_unmount(workspace);
}

static void a_store_where_nothing_can_be_made(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_user_attributes("/dev/shm");
    // Full: the root directory is the only inode there is.
    assert_ok(mount("full", "store", "tmpfs", 0, "nr_inodes=1,mode=0755"));
    int stranger = lock_of_stranger("store", LOCK_SH);
    workspace_mount(workspace, true, "");
    workspace_unmount(workspace);
    assert_ok(mount(NULL, "store", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    workspace_mount(workspace, true, "ro");
    workspace_unmount(workspace);
    assert_ok(close(stranger));
    assert_ok(umount2("store", 0));
}

// The last two are root's.
static const struct CMUnitTest cases[] = {
    cmocka_unit_test(strangers_prevent_no_mount),
    cmocka_unit_test(the_lock_is_for_the_owner_alone),
    cmocka_unit_test(store_that_another_daemon_has),
    cmocka_unit_test(versions_exclude_each_other),
    cmocka_unit_test(the_mount_hides_it),
    cmocka_unit_test(reading_makes_nothing),
    cmocka_unit_test(somebody_else_was_there_first),
    cmocka_unit_test(a_store_where_nothing_can_be_made),
};

ROOT_LAST_MAIN("store_lock", cases, 2)
