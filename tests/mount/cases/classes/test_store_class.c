// SPDX-License-Identifier: BSD-2-Clause
// The marks of a store's directories, and stores that are on another mount.
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/process.h"
#include "tests/mount/workspace/workspace.h"

#include <stdio.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MARK       "user.shmapfs.class_root"
#define EARLY_MARK "user.shmapfs.class"

static void unmount(const char *path)
{
    struct program_result result = run_program("fusermount3", "-u", path, NULL);

    assert_done(&result);
}

static void assert_store_refused(const char *store, const char *word)
{
    struct program_result result = run_program(shmapfs(), store, "second", NULL);

    assert_refused(&result, 1, "STORE", store, word, NULL);
}

static void memory_is_no_store(void **state)
{
    struct workspace *workspace = workspace_of(state);

    assert_ok(mkdir("second", 0755));
    workspace_mount(workspace, true, "anon=scratch");
    assert_ok(mkdir("mnt/scratch/store", 0755));
    assert_store_refused("mnt/scratch/store", "anon");
    assert_store_refused("mnt/scratch", "anon");
    workspace_unmount(workspace);
    workspace_mount(workspace, false, "");
    assert_store_refused("mnt", "anon");
    workspace_unmount(workspace);
    // The first mount left a directory whose contents are never on disk.
    assert_store_refused("store/scratch", "anon");
    assert_true(rmdir("store/scratch") == 0 && rmdir("second") == 0);
}

/* Unmounts, and waits until the daemon has ended: it uses the store until then. */
static void end_daemon(const struct workspace *workspace, const char *path)
{
    struct workspace mounted = *workspace;

    snprintf(mounted.mnt, sizeof(mounted.mnt), "%s", path);
    pid_t daemon = daemon_of(&mounted);
    unmount(path);
    await_end(daemon);
}

static void a_store_on_another_mount_keeps_what_is_in_it(void **state)
{
    struct workspace *workspace = workspace_of(state);

    assert_ok(mkdir("second", 0755));
    workspace_mount(workspace, true, "");
    assert_ok(mkdir("mnt/store", 0755));
    make_class_root("mnt/store/scratch", "anon");
    put_file("mnt/store/scratch/file", "of the first");
    for (int round = 0; round < 2; round++) {
        struct program_result result = run_program(shmapfs(), "mnt/store", "second", NULL);
        assert_done(&result);
        if (round == 0) {
            assert_ok(mkdir("second/directory", 0755));
            put_file("second/directory/file", "kept");
        }
        assert_content("second/directory/file", "kept");
        // The first mount's memory is what the second one shows, not hides.
        assert_content("second/scratch/file", "of the first");
        assert_class("second/scratch", "persist");
        end_daemon(workspace, "second");
    }
    struct program_result result =
        run_program(shmapfs(), "mnt/store", "second", "-o", "anon=more", NULL);
    assert_refused(&result, 1, "anon=more", "another shmapfs", NULL);
    assert_false(exists("mnt/store/more"));
    workspace_unmount(workspace);
    assert_content("store/store/directory/file", "kept");
}

static void the_mark_is_out_of_reach(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char names[256], word[16];

    workspace_mount(workspace, true, "anon=scratch");
    assert_errno(getxattr("mnt/scratch", MARK, word, sizeof(word)), ENODATA);
    assert_errno(setxattr("mnt/scratch", MARK, "persist", 7, 0), EPERM);
    assert_int_equal(removexattr("mnt/scratch", MARK), -1);
    assert_ok(mkdir("mnt/plain", 0755));
    assert_errno(setxattr("mnt/plain", MARK, "anon", 4, 0), EPERM);
    assert_int_equal(listxattr("mnt/scratch", names, sizeof(names)), 0);
    workspace_unmount(workspace);
    assert_int_equal(getxattr("store/scratch", MARK, word, sizeof(word)), 4);
    assert_memory_equal(word, "anon", 4);
    // For daemons of earlier versions.
    assert_int_equal(getxattr("store/scratch", EARLY_MARK, word, sizeof(word)), 4);
}

static void marks_of_earlier_versions_count(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char word[16];

    assert_true(mkdir("store/early", 0755) == 0 && mkdir("store/both", 0755) == 0);
    assert_ok(setxattr("store/early", EARLY_MARK, "anon", 4, 0));
    assert_ok(setxattr("store/both", EARLY_MARK, "anon", 4, 0));
    assert_ok(setxattr("store/both", MARK, "anon", 4, 0));
    // So many names that they take more than a page.
    for (int i = 0; i < 50; i++) {
        char name[256];
        snprintf(name, sizeof(name), "user.%0*d", 60, i);
        assert_ok(setxattr("store/early", name, "", 0, 0));
    }
    for (int round = 0; round < 2; round++) {
        workspace_mount(workspace, true, "anon=early:both");
        assert_class("mnt/early", "anon");
        assert_class("mnt/both", "anon");
        put_file("mnt/early/file", "");
        workspace_unmount(workspace);
        assert_false(exists("store/early/file"));
    }
    workspace_mount(workspace, true, "");
    assert_ok(set_class("mnt/early", "persist"));
    assert_ok(set_class("mnt/both", "persist"));
    workspace_unmount(workspace);
    for (int i = 0; i < 2; i++) {
        assert_errno(getxattr("store/early", i ? MARK : EARLY_MARK, word, sizeof(word)), ENODATA);
        assert_errno(getxattr("store/both", i ? MARK : EARLY_MARK, word, sizeof(word)), ENODATA);
    }
    workspace_mount(workspace, true, "");
    assert_class("mnt/both", "persist");
    workspace_unmount(workspace);
}

/* The daemon keeps a mount of its own for the store. */
static void mounts_in_the_store_stay_where_they_are(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // Nobody else can mount there.
    assert_ok(mount(workspace->store, workspace->store, NULL, MS_BIND, NULL));
    assert_ok(mount(NULL, workspace->store, NULL, MS_SHARED, NULL));
    assert_ok(mkdir("store/below", 0755));
    workspace_mount(workspace, true, "");
    assert_ok(mount("tmpfs", "store/below", "tmpfs", 0, NULL));
    put_file("store/below/file", "");
    assert_false(exists("mnt/below/file"));
    // Nobody is kept from unmounting.
    assert_ok(umount("store/below"));
    assert_ok(umount(workspace->store));
    put_file("mnt/below/file", "contents");
    assert_content("store/below/file", "contents");
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(memory_is_no_store),
    cmocka_unit_test(a_store_on_another_mount_keeps_what_is_in_it),
    cmocka_unit_test(the_mark_is_out_of_reach),
    cmocka_unit_test(marks_of_earlier_versions_count),
    cmocka_unit_test(mounts_in_the_store_stay_where_they_are),
};

WORKSPACE_MAIN("store_class", cases)
