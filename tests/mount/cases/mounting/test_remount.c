// SPDX-License-Identifier: BSD-2-Clause
/* The next mount finds these: of a store, its classes and attributes; in place of one that has
 * died. */
#include "tests/mount/cases/mounting/store_contents.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static void mounted_again_at_once(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char text[32];

    for (int i = 0; i < 20; i++) {
        // The unmount returns before the daemon has ended, which may still hold the store's lock.
        workspace_mount(workspace, true, "anon=scratch");
        if (i > 0)
            assert_content("mnt/file", text);
        assert_false(exists("mnt/scratch/file"));
        snprintf(text, sizeof(text), "round %d", i);
        put_file("mnt/file", text);
        put_file("mnt/scratch/file", text);
        struct program_result result = workspace->root
                                           ? run_program("umount", workspace->mnt, NULL)
                                           : run_program("fusermount3", "-u", workspace->mnt, NULL);
        assert_done(&result);
    }
    assert_int_equal(workspace_await_children(), 0);
}

static void persisted_and_anonymous_after_remount(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch:deep/below");
    put_file("mnt/file", "persisted");
    put_file("mnt/scratch/file", "anonymous");
    put_file("mnt/deep/file", "persisted too");
    put_file("mnt/deep/below/file", "anonymous too");
    make_class_root("mnt/later", "anon");
    put_file("mnt/later/file", "anonymous as well");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "");
    assert_content("mnt/file", "persisted");
    assert_content("mnt/deep/file", "persisted too");
    static const char *const roots[] = { "scratch", "deep/below", "later" };
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "mnt/%s", roots[i]);
        assert_class(path, "anon");
        snprintf(path, sizeof(path), "mnt/%s/file", roots[i]);
        assert_false(exists(path));
    }
    assert_class("mnt/deep", "persist");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "anon=scratch:deep/below"); // Said again, it is no mistake.
    workspace_unmount(workspace);
}

/* The ACL u::rwx, u:UID:r-x, g::r-x, m::r-x, o::--x, as the kernel takes it. */
struct acl {
    uint32_t version;
    struct {
        uint16_t tag, permissions;
        uint32_t id;
    } entries[5];
};

static struct acl acl_with(uid_t uid)
{
    return (struct acl){ 2,
                         { { 0x01, 7, UINT32_MAX },
                           { 0x02, 5, uid },
                           { 0x04, 5, UINT32_MAX },
                           { 0x10, 5, UINT32_MAX },
                           { 0x20, 1, UINT32_MAX } } };
}

static void assert_acl(const char *path, const char *attribute, const struct acl *acl)
{
    struct acl found;

    assert_int_equal(getxattr(path, attribute, &found, sizeof(found)), sizeof(found));
    assert_memory_equal(&found, acl, sizeof(found));
}

static void attributes_of_a_class_root_stay(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char value[8] = "";
    struct acl inherited;
    // The RAM area of a user's mount knows no other user.
    struct acl acl = acl_with(workspace->root ? 1111 : geteuid());

    workspace_mount(workspace, true, "");
    make_class_root("mnt/root", "anon");
    assert_ok(chmod("mnt/root", 02751));
    if (workspace->root)
        assert_ok(chown("mnt/root", 1234, 4321));
    bool has_attributes = has_user_attributes("mnt/root");
    if (has_attributes)
        assert_ok(setxattr("mnt/root", "user.mine", "x", 1, 0));
    assert_ok(setxattr("mnt/root", "system.posix_acl_access", &acl, sizeof(acl), 0));
    assert_ok(setxattr("mnt/root", "system.posix_acl_default", &acl, sizeof(acl), 0));
    struct stat before = stat_of("mnt/root");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "");
    struct stat after = stat_of("mnt/root");
    assert_class("mnt/root", "anon");
    assert_int_equal(after.st_mode, before.st_mode);
    assert_int_equal(after.st_uid, before.st_uid);
    assert_int_equal(after.st_gid, before.st_gid);
    if (has_attributes)
        assert_int_equal(getxattr("mnt/root", "user.mine", value, sizeof(value)), 1);
    assert_acl("mnt/root", "system.posix_acl_access", &acl);
    assert_acl("mnt/root", "system.posix_acl_default", &acl);
    // New files in it inherit, as they would have before.
    assert_ok(mkdir("mnt/root/directory", 0777));
    assert_acl("mnt/root/directory", "system.posix_acl_default", &acl);
    put_file("mnt/root/file", "");
    assert_int_equal(
        getxattr("mnt/root/file", "system.posix_acl_access", &inherited, sizeof(inherited)),
        sizeof(inherited));
    assert_int_equal(inherited.entries[1].id, acl.entries[1].id);
    assert_int_equal(stat_of("mnt/root/file").st_gid, before.st_gid);
    workspace_unmount(workspace);
}

static void killed_daemon_loses_nothing_of_the_store(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch,nokeeper");
    int fd = open_file("mnt/file", O_RDWR | O_CREAT);
    assert_int_equal(write(fd, "synced", 6), 6);
    assert_ok(fsync(fd));
    put_file("mnt/scratch/file", "gone");
    assert_ok(kill(daemon_of(workspace), SIGKILL));
    workspace_await_children();
    close(fd);
    struct program_result result = run_program("fusermount3", "-u", workspace->mnt, NULL);
    if (result.status != 0 && workspace_is_mounted(workspace->mnt))
        fail_msg("the dead mount cannot be unmounted: %s", result.err);
    workspace_mount(workspace, true, "anon=scratch");
    assert_content("mnt/file", "synced");
    assert_false(exists("mnt/scratch/file"));
    workspace_unmount(workspace);
}

/* Mounting over what a killed daemon left is possible, or is refused with a word about what to
 * do. */
static void mounting_over_a_dead_mount(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "nokeeper");
    assert_ok(kill(daemon_of(workspace), SIGKILL));
    workspace_await_children();
    struct program_result result = workspace_try_mount(workspace, true, "");
    if (result.status == 0) {
        put_file("mnt/file", "");
        workspace_unmount(workspace);
    } else {
        assert_refused(&result, 1, workspace->mnt, "mount", NULL);
    }
    run_program("fusermount3", "-u", workspace->mnt, NULL);
}

/* The keeper is what a mount lives as long as; who is left takes it away. */
static void killed_keeper_leaves_no_dead_mount(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    need_survival(workspace);
    put_file("mnt/file", "contents");
    assert_ok(kill(daemon_of(workspace), SIGKILL));
    workspace_await_children();
    assert_false(workspace_is_mounted(workspace->mnt));
    workspace_mount(workspace, true, "");
    assert_content("mnt/file", "contents");
    workspace_unmount(workspace);
}

static void store_holds_plain_files(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    assert_ok(mkdir("mnt/directory", 0750));
    struct program_result result = run_program("cp", "-a", "/bin/ls", "mnt/directory/binary", NULL);
    assert_done(&result);
    assert_ok(symlink("directory/binary", "mnt/symlink"));
    assert_ok(link("mnt/directory/binary", "mnt/linked"));
    leave_dirty_data();
    workspace_unmount(workspace);
    result = run_program("cmp", "/bin/ls", "store/symlink", NULL);
    assert_done(&result);
    assert_int_equal(stat_of("store/linked").st_nlink, 2);
    assert_int_equal(stat_of("store/directory").st_mode, S_IFDIR | 0750);
    assert_store_is_complete();
    result = run_program("find", "store", "-mindepth", "1", "-name", ".shmapfs", "-prune", "-o",
                         "-mindepth", "1", "-printf", ".", NULL);
    assert_string_equal(result.out, "......"); // And nothing more of the daemon's own.
    // The next mount shows what changed in the store while it was not mounted.
    put_file("store/written", "by hand");
    workspace_mount(workspace, true, "");
    assert_content("mnt/written", "by hand");
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(mounted_again_at_once),
    cmocka_unit_test(persisted_and_anonymous_after_remount),
    cmocka_unit_test(attributes_of_a_class_root_stay),
    cmocka_unit_test(killed_daemon_loses_nothing_of_the_store),
    cmocka_unit_test(mounting_over_a_dead_mount),
    cmocka_unit_test(killed_keeper_leaves_no_dead_mount),
    cmocka_unit_test(store_holds_plain_files),
};

WORKSPACE_MAIN("remount", cases)
