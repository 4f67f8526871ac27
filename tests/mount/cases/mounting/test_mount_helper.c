// SPDX-License-Identifier: BSD-2-Clause
// A filesystem's helper, as mount(8) and fstab expect it. Root's cases call mount(8), which finds
// the helper in its place; users call the helper.
#include "tests/mount/cases/mounting/mount_helper.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/workspace/workspace.h"

#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { USAGE = 1, FAILED = 32, LINES = 5 };

/* Mounts as an administrator does, or as a user's mount(8) would. */
static struct program_result try_mount(const struct workspace *workspace, const char *source,
                                       const char *options)
{
    if (workspace->root)
        return run_program("mount", "-t", "fuse.shmapfs", source, workspace->mnt, "-o", options,
                           NULL);
    return run_program(HELPER, source, workspace->mnt, "-o", options, NULL);
}

static void assert_flags(const struct workspace *workspace, const char *options,
                         unsigned long wanted)
{
    struct program_result result = try_mount(workspace, "none", options);
    struct statvfs vfs;

    assert_done(&result);
    assert_ok(statvfs(workspace->mnt, &vfs));
    assert_int_equal(vfs.f_flag & (ST_NOSUID | ST_NODEV), wanted);
    workspace_unmount(workspace);
}

static void suid_and_dev_are_roots_default(void **state)
{
    struct workspace *workspace = workspace_of(state);

    begin_helper(workspace);
    if (workspace->root) {
        assert_flags(workspace, "suid,dev", 0);
        assert_flags(workspace, "defaults", 0);
        assert_flags(workspace, "nosuid", ST_NOSUID);
        assert_flags(workspace, "nodev", ST_NODEV);
    } else {
        assert_flags(workspace, "suid,dev", ST_NOSUID | ST_NODEV);
        assert_flags(workspace, "rw", ST_NOSUID | ST_NODEV);
    }
    end_helper(workspace);
    // Called by its own name it is more careful.
    workspace_mount(workspace, false, "");
    struct statvfs vfs;
    assert_ok(statvfs(workspace->mnt, &vfs));
    assert_int_equal(vfs.f_flag & (ST_NOSUID | ST_NODEV), ST_NOSUID | ST_NODEV);
    workspace_unmount(workspace);
}

static void failures_have_statuses_of_mount(void **state)
{
    struct workspace *workspace = workspace_of(state);

    begin_helper(workspace);
    char *tree = workspace_tree();
    struct program_result result = try_mount(workspace, "/missing", "rw");
    assert_refused(&result, FAILED, "STORE", "/missing", NULL);
    result = try_mount(workspace, "none", "rw,bogus");
    assert_refused(&result, USAGE, "'bogus'", NULL);
    result = run_program(HELPER, "none", NULL);
    assert_refused(&result, USAGE, "MOUNTPOINT", NULL);
    result = run_program(HELPER, "none", "missing", NULL);
    assert_refused(&result, FAILED, "MOUNTPOINT", "missing", NULL);
    result = run_program(HELPER, "none", workspace->mnt, "-N", "/missing/ns", NULL);
    assert_refused(&result, FAILED, "namespace", "/missing/ns", NULL);
    assert_nothing_left(workspace, tree);
    free(tree);
    end_helper(workspace);
}

static void sloppy_passes_over_what_is_unknown(void **state)
{
    struct workspace *workspace = workspace_of(state);

    begin_helper(workspace);
    struct program_result result = run_program(
        HELPER, "none", workspace->mnt, "-o", "bogus=1,size=1m,max_read=5", "-s", "-n", "-v", NULL);
    assert_done(&result);
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 1 << 20);
    workspace_unmount(workspace);
    // A value that is wrong stays wrong.
    result = run_program(HELPER, "-s", "none", workspace->mnt, "-o", "size=lots", NULL);
    assert_refused(&result, USAGE, "size=lots", NULL);
    if (workspace->root) {
        result = run_program("mount", "-s", "-t", "fuse.shmapfs", "none", workspace->mnt, "-o",
                             "bogus", NULL);
        assert_done(&result);
        workspace_unmount(workspace);
    }
    end_helper(workspace);
}

static void fake_mount_checks_and_touches_nothing(void **state)
{
    static const char *const wrong[][3] = {
        { "/missing", "rw", "/missing" },
        { "none", "mpol=prefer:99999", "mpol" },
        { "store", "anon=../outside", "anon" },
        { "store/file", "rw", "not a directory" },
    };
    struct workspace *workspace = workspace_of(state);

    begin_helper(workspace);
    put_file("store/file", "");
    char *tree = workspace_tree();
    struct program_result result =
        run_program(HELPER, "store", workspace->mnt, "-f", "-o", "anon=scratch,size=1m", NULL);
    assert_done(&result);
    assert_nothing_left(workspace, tree);
    result = run_program(HELPER, "none", workspace->mnt, "-fv", NULL);
    assert_done(&result);
    assert_nothing_left(workspace, tree);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        result = run_program(HELPER, wrong[i][0], workspace->mnt, "-f", "-o", wrong[i][1], NULL);
        assert_refused(&result, FAILED, wrong[i][2], NULL);
        assert_nothing_left(workspace, tree);
    }
    result = run_program(HELPER, "none", "missing", "-f", NULL);
    assert_refused(&result, FAILED, "MOUNTPOINT", NULL);
    free(tree);
    end_helper(workspace);
}

static void another_namespace_is_mounted_in(void **state)
{
    struct workspace *workspace = workspace_of(state);

    begin_helper(workspace);
    struct program_result result =
        run_program(HELPER, "none", workspace->mnt, "-N", "/proc/1/ns/mnt", NULL);
    if (workspace->root) {
        assert_done(&result);
        workspace_unmount(workspace);
        result = run_program(HELPER, "none", workspace->mnt, "-N", "1", NULL);
        assert_done(&result);
        workspace_unmount(workspace);
        // Seen from another one, it is there alone.
        result = run_program("unshare", "-m", "--propagation", "private", "sh", "-c",
                             "mount -N 1 -t fuse.shmapfs none \"$1\" && ! mountpoint -q \"$1\"",
                             "sh", workspace->mnt, NULL);
        assert_done(&result);
        workspace_unmount(workspace);
    } else {
        assert_refused(&result, FAILED, "namespace", NULL);
    }
    end_helper(workspace);
}

static int count_mounts(const char *below)
{
    FILE *table = setmntent("/proc/self/mounts", "re");
    struct mntent *entry;
    int count = 0;

    assert_non_null(table);
    while ((entry = getmntent(table)) != NULL)
        count += strncmp(entry->mnt_dir, below, strlen(below)) == 0;
    endmntent(table);
    return count;
}

static void assert_source(const char *mountpoint, const char *source)
{
    struct program_result result = run_program("findmnt", "-n", "-o", "SOURCE", mountpoint, NULL);

    assert_done(&result);
    assert_int_equal(strncmp(result.out, source, strlen(source)), 0);
    assert_int_equal(result.out[strlen(source)], '\n');
}

/* Five lines: with a STORE, by its own name and through a symlink, and three without. */
static void put_fstab(const struct workspace *workspace, const char *more)
{
    static const char *const sources[] = { "store", "alias", "none", "tmpfs", "shmapfs" };
    FILE *fstab = fopen("fstab", "we");

    assert_non_null(fstab);
    for (int i = 0; i < LINES; i++)
        fprintf(fstab, "%s%s%s %s/mnt%d fuse.shmapfs defaults,size=1m%s,nofail,x-a=b 0 0\n",
                i < 2 ? workspace->dir : "", i < 2 ? "/" : "", sources[i], workspace->dir, i,
                i == 0 ? ",anon=scratch" : "");
    fprintf(fstab, "%s", more);
    assert_int_equal(fclose(fstab), 0);
}

/* Makes a second store behind a symlink, and a mount point for each line. */
static void make_places(void)
{
    char path[16];

    assert_ok(mkdir("other", 0755));
    assert_ok(symlink("other", "alias"));
    for (int i = 0; i < LINES; i++) {
        snprintf(path, sizeof(path), "mnt%d", i);
        assert_ok(mkdir(path, 0755));
    }
}

static void unmount_places(void)
{
    char path[16];

    for (int i = 0; i < LINES; i++) {
        snprintf(path, sizeof(path), "mnt%d", i);
        assert_ok(umount(path));
    }
    assert_int_equal(workspace_await_children(), 0);
}

static void mount_all_twice(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // An fstab is root's.
    begin_helper(workspace);
    make_places();
    put_fstab(workspace, "");
    char *tree = workspace_tree();
    struct program_result result = run_program("mount", "-fav", "-T", "fstab", NULL);
    assert_string_equal(result.err, "");
    assert_int_equal(result.status, 0);
    assert_nothing_left(workspace, tree);
    for (int round = 0; round < 2; round++) {
        result = run_program("mount", "-a", "-T", "fstab", NULL);
        assert_done(&result);
        assert_int_equal(count_mounts(workspace->dir), LINES);
    }
    assert_source("mnt2", "none");
    assert_source("mnt3", "tmpfs");
    assert_source("mnt0", workspace->store);
    assert_true(exists("store/scratch"));
    unmount_places();
    free(tree);
    end_helper(workspace);
}

/* One wrong line is told, and keeps no other from being checked and mounted. */
static void fstab_with_a_wrong_line(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char line[PATH_MAX + 64];

    if (!workspace->root)
        return;
    begin_helper(workspace);
    make_places();
    snprintf(line, sizeof(line), "none %s fuse.shmapfs sise=1m 0 0\n", workspace->mnt);
    put_fstab(workspace, line);
    char *tree = workspace_tree();
    struct program_result result = run_program("mount", "-fav", "-T", "fstab", NULL);
    assert_true(result.status != 0);
    assert_non_null(strstr(result.err, "'size'"));
    assert_nothing_left(workspace, tree);
    result = run_program("mount", "-a", "-T", "fstab", NULL);
    assert_true(result.status != 0);
    assert_non_null(strstr(result.err, "'size'"));
    assert_int_equal(count_mounts(workspace->dir), LINES);
    unmount_places();
    free(tree);
    end_helper(workspace);
}

enum { OWNER = 65534 };

static struct program_result run_as_owner(const char *program, const char *option, const char *path)
{
    return run_program("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program,
                       option, path, NULL);
}

/* A line that lets users mount gives them no more than they have. */
static void user_mounts_a_line_of_fstab(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct sandbox sandbox = { .top = workspace->dir, .by_root = true };
    char line[PATH_MAX + 64];
    struct statvfs vfs;

    if (!workspace->root)
        return; // Root writes the line, and somebody else mounts it.
    if (!exists("/etc/fstab") || !exists("/usr/bin/mount") ||
        !(stat_of("/usr/bin/mount").st_mode & S_ISUID))
        harness_skip_case("users cannot mount lines of fstab here");
    begin_helper(workspace);
    assert_int_equal(sandbox_share_fuse_device(&sandbox), 0);
    snprintf(line, sizeof(line), "none %s fuse.shmapfs user,suid,dev,exec,size=1m 0 0\n",
             workspace->mnt);
    put_file("fstab", line);
    assert_ok(chown("mnt", OWNER, OWNER));
    assert_ok(mount("fstab", "/etc/fstab", NULL, MS_BIND, NULL));
    struct program_result result = run_as_owner("mount", "-v", workspace->mnt);
    assert_int_equal(result.status, 0);
    assert_ok(statvfs(workspace->mnt, &vfs));
    assert_int_equal(vfs.f_flag & (ST_NOSUID | ST_NODEV), ST_NOSUID | ST_NODEV);
    assert_source("mnt", "none");
    // Root has no way in, and is told so.
    result = run_program("mount", "-o", "remount,size=2m", workspace->mnt, NULL);
    assert_refused(&result, FAILED, "size=", "the user alone", NULL);
    result = run_as_owner("mount", "-oremount,size=2m", workspace->mnt);
    assert_done(&result);
    result = run_as_owner("umount", "-v", workspace->mnt);
    assert_int_equal(result.status, 0);
    assert_int_equal(workspace_await_children(), 0);
    assert_ok(umount("/etc/fstab"));
    assert_int_equal(sandbox_unshare_fuse_device(&sandbox), 0);
    end_helper(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(suid_and_dev_are_roots_default),
    cmocka_unit_test(failures_have_statuses_of_mount),
    cmocka_unit_test(sloppy_passes_over_what_is_unknown),
    cmocka_unit_test(fake_mount_checks_and_touches_nothing),
    cmocka_unit_test(another_namespace_is_mounted_in),
    cmocka_unit_test(mount_all_twice),
    cmocka_unit_test(fstab_with_a_wrong_line),
    cmocka_unit_test(user_mounts_a_line_of_fstab),
};

WORKSPACE_MAIN("mount_helper", cases)
