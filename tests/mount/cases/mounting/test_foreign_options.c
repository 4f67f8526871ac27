// SPDX-License-Identifier: BSD-2-Clause
// The options that an fstab has for other filesystems: tmpfs' are in force, FUSE's are or are told
// what to write instead, mount(8)'s own are passed over.
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { FAILED = 1, USAGE = 2 };

static void tmpfs_words_are_in_force(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char options[256];
    uid_t uid = workspace->root ? 1234 : geteuid();
    gid_t gid = workspace->root ? 4321 : getegid();

    snprintf(options, sizeof(options),
             "uid=%u,gid=%u,mode=2710,nr_blocks=512,nr_inodes=2k,mpol=default,inode32", uid, gid);
    workspace_mount(workspace, false, options);
    struct stat root = stat_of(workspace->mnt);
    assert_int_equal(root.st_mode, S_IFDIR | 02710);
    assert_int_equal(root.st_uid, uid);
    assert_int_equal(root.st_gid, gid);
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 512 * sysconf(_SC_PAGESIZE));
    assert_int_equal(read_status_number(workspace, "ram_area.inodes"), 2048);
    workspace_unmount(workspace);
}

static void anonymous_directories_get_the_owner(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // Only root gives to others.
    assert_ok(mkdir("store/there", 0700));
    workspace_mount(workspace, true, "anon=made/below:there,uid=1234,gid=4321,mode=2770");
    struct stat made = stat_of("mnt/made/below");
    assert_int_equal(made.st_mode, S_IFDIR | 02770);
    assert_int_equal(made.st_uid, 1234);
    assert_int_equal(made.st_gid, 4321);
    // A directory that was there before stays as it was.
    assert_int_equal(stat_of("mnt/there").st_mode, S_IFDIR | 0700);
    assert_int_equal(stat_of("mnt/there").st_uid, 0);
    assert_int_equal(stat_of("mnt/made").st_uid, 0);
    assert_int_equal(stat_of("mnt").st_uid, 0);
    workspace_unmount(workspace);
}

static void user_gives_nothing_to_others(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (workspace->root)
        return;
    char *tree = workspace_tree();
    struct program_result result = workspace_try_mount(workspace, false, "uid=0");
    assert_refused(&result, FAILED, "'uid'", "root", NULL);
    result = workspace_try_mount(workspace, false, "gid=0");
    assert_refused(&result, FAILED, "'gid'", "root", NULL);
    assert_nothing_left(workspace, tree);
    free(tree);
}

/* Not every kernel has quotas for tmpfs. */
static void quotas_are_had_or_refused(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result =
        workspace_try_mount(workspace, false, "usrquota,usrquota_block_hardlimit=1m");

    if (result.status != 0) {
        assert_refused(&result, FAILED, "usrquota", "RAM area", NULL);
        return;
    }
    workspace_unmount(workspace);
}

static void nonsense_of_tmpfs_is_refused(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char *tree = workspace_tree();
    struct program_result result = workspace_try_mount(workspace, false, "mpol=nonsense");

    // Kernels without NUMA take any.
    if (result.status == 0) {
        workspace_unmount(workspace);
    } else {
        assert_refused(&result, FAILED, "mpol", "RAM area", NULL);
        assert_nothing_left(workspace, tree);
    }
    free(tree);
}

static void words_of_fuse_are_told_what_to_write(void **state)
{
    static const struct {
        const char *option, *instead;
    } wrong[] = {
        { "allow_root", "allow_other,mode=0700" },
        { "subtype=other", "fuse.shmapfs" },
        { "max_read=4096", "leave it out" },
        { "attr_timeout=3", "timeout=SECONDS" },
        { "nonempty", "empty directory" },
        { "umask=022", "mode=" },
        { "X-mount.idmap=b:0:1000:1", "leave it out" },
        { "alow_other", "'allow_other'" },
        { "nr_inode=5", "'nr_inodes'" },
        { "sise=5m", "'size'" },
        { "noatme", "'noatime'" },
        { "bogus", "--help" },
    };
    struct workspace *workspace = workspace_of(state);
    char *tree = workspace_tree();

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct program_result result = workspace_try_mount(workspace, false, wrong[i].option);
        assert_refused(&result, USAGE, wrong[i].instead, NULL);
        assert_true(strlen(result.err) < 180);
    }
    assert_nothing_left(workspace, tree);
    free(tree);
}

static void words_of_mount_are_passed_over(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false,
                    "nofail,noauto,_netdev,user,users,owner,group,nouser,comment=words,comment,"
                    "x-systemd.requires=/srv,X-mount.mkdir=0755,x-gvfs-hide,lazytime,loud,"
                    "auto_unmount,default_permissions");
    workspace_unmount(workspace);
}

static void source_without_a_store_has_a_name(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "fsname=scratch area");
    struct program_result result = run_program("findmnt", "-n", "-o", "SOURCE", "mnt", NULL);
    assert_done(&result);
    assert_string_equal(result.out, "scratch area\n");
    workspace_unmount(workspace);
    result = workspace_try_mount(workspace, true, "fsname=name");
    assert_refused(&result, USAGE, "'fsname'", "STORE", NULL);
}

static void assert_shown(const char *word)
{
    struct program_result result = run_program("findmnt", "-n", "-o", "OPTIONS", "mnt", NULL);

    assert_done(&result);
    if (strstr(result.out, word) == NULL)
        fail_msg("%s is not in %s", word, result.out);
}

static void access_times_are_in_the_mount_table(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "noatime,nodiratime");
    assert_shown("noatime");
    if (workspace->root) // Nobody else can have more shown.
        assert_shown("nodiratime");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "strictatime");
    struct program_result result = run_program("findmnt", "-n", "-o", "OPTIONS", "mnt", NULL);
    assert_done(&result);
    if (workspace->root)
        assert_null(strstr(result.out, "relatime"));
    workspace_unmount(workspace);
}

/* Runs a command of sh as another user. */
static struct program_result run_as(uid_t uid, const char *command)
{
    char user[32], group[32];

    snprintf(user, sizeof(user), "--reuid=%u", uid);
    snprintf(group, sizeof(group), "--regid=%u", uid);
    return run_program("setpriv", user, group, "--clear-groups", "sh", "-c", command, NULL);
}

enum { OWNER = 65534, OTHER = 12345 };

/* Files that others make on a user's mount are the user's own, and must not run in that user's
 * name. */
static void users_mount_serves_everybody_where_allowed(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char command[PATH_MAX];

    if (!workspace->root)
        return; // Only root can allow it, and be several users.
    if (!exists("/etc/fuse.conf"))
        harness_skip_case("fusermount3 has no settings here");
    struct sandbox sandbox = { .top = workspace->dir, .by_root = true };
    assert_int_equal(sandbox_share_fuse_device(&sandbox), 0);
    put_file("fuse.conf", "user_allow_other\n");
    assert_ok(mount("fuse.conf", "/etc/fuse.conf", NULL, MS_BIND, NULL));
    assert_ok(chown("mnt", OWNER, OWNER));
    assert_ok(chown("store", OWNER, OWNER));
    snprintf(command, sizeof(command), "'%s' store mnt -o allow_other", shmapfs());
    struct program_result result = run_as(OWNER, command);
    assert_ok(umount("/etc/fuse.conf"));
    assert_done(&result);
    result = run_as(OWNER, "echo text >mnt/file; mkdir -m 1777 mnt/open; chmod 640 mnt/file");
    assert_done(&result);
    result = run_as(OTHER, "cat mnt/file");
    assert_true(result.status != 0);
    assert_non_null(strstr(result.err, "Permission denied"));
    result = run_as(OTHER, "ls mnt && echo other >mnt/open/file && cat mnt/open/file");
    assert_done(&result);
    assert_non_null(strstr(result.out, "other"));
    assert_int_equal(stat_of("store/open/file").st_uid, OWNER);
    // A program with setuid, made by somebody else: python3's open(2) passes any mode.
    result = run_as(OTHER, "umask 0; cd mnt/open; python3 -c 'import os, stat\n"
                           "os.close(os.open(\"made\", os.O_WRONLY | os.O_CREAT, 0o6755))\n"
                           "os.mknod(\"node\", 0o6755 | stat.S_IFREG)'");
    assert_done(&result);
    assert_int_equal(stat_of("store/open/made").st_mode, S_IFREG | 0755);
    assert_int_equal(stat_of("store/open/node").st_mode, S_IFREG | 0755);
    result = run_as(OWNER, "fusermount3 -u mnt");
    assert_done(&result);
    assert_int_equal(workspace_await_children(), 0);
    assert_int_equal(sandbox_unshare_fuse_device(&sandbox), 0);
}

static void users_mount_serves_nobody_else_where_not_allowed(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (workspace->root)
        return; // Root may.
    if (run_program("grep", "-q", "^user_allow_other", "/etc/fuse.conf", NULL).status == 0)
        harness_skip_case("this machine allows it");
    char *tree = workspace_tree();
    struct program_result result = workspace_try_mount(workspace, false, "allow_other");
    assert_refused(&result, FAILED, "allow_other", "user_allow_other", NULL);
    assert_nothing_left(workspace, tree);
    free(tree);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(tmpfs_words_are_in_force),
    cmocka_unit_test(anonymous_directories_get_the_owner),
    cmocka_unit_test(user_gives_nothing_to_others),
    cmocka_unit_test(quotas_are_had_or_refused),
    cmocka_unit_test(nonsense_of_tmpfs_is_refused),
    cmocka_unit_test(words_of_fuse_are_told_what_to_write),
    cmocka_unit_test(words_of_mount_are_passed_over),
    cmocka_unit_test(source_without_a_store_has_a_name),
    cmocka_unit_test(access_times_are_in_the_mount_table),
    cmocka_unit_test(users_mount_serves_everybody_where_allowed),
    cmocka_unit_test(users_mount_serves_nobody_else_where_not_allowed),
};

WORKSPACE_MAIN("foreign_options", cases)
