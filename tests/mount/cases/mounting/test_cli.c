// SPDX-License-Identifier: BSD-2-Clause
// Places that cannot be mounted from or on: each is told in a line, and nothing is left behind.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAILED = 1 };

/* Tries to mount, and asserts that it is refused with these words and leaves the tree as it was. */
#define assert_mount_refused(workspace, source, target, ...)                           \
    do {                                                                               \
        char *tree_ = workspace_tree();                                                \
        struct program_result outcome_ = run_program(shmapfs(), source, target, NULL); \
        assert_refused(&outcome_, FAILED, __VA_ARGS__, NULL);                          \
        outcome_ = run_program(shmapfs(), source, target, "-f", NULL);                 \
        assert_refused(&outcome_, FAILED, __VA_ARGS__, NULL);                          \
        assert_nothing_left(workspace, tree_);                                         \
        free(tree_);                                                                   \
    } while (0)

static void store_that_is_missing(void **state)
{
    struct workspace *workspace = workspace_of(state);

    assert_mount_refused(workspace, "missing", workspace->mnt, "missing", "not exist");
    assert_mount_refused(workspace, "missing/below", workspace->mnt, "missing/below", "not exist");
}

static void store_that_is_no_directory(void **state)
{
    struct workspace *workspace = workspace_of(state);

    put_file("file", "");
    assert_mount_refused(workspace, "file", workspace->mnt, "file", "not a directory");
    assert_mount_refused(workspace, "/dev/null", workspace->mnt, "/dev/null", "not a directory");
    assert_ok(symlink("file", "symlink"));
    assert_mount_refused(workspace, "symlink", workspace->mnt, "file", "not a directory");
}

static void store_that_may_not_be_written(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (workspace->root)
        return; // Root may.
    assert_ok(chmod("store", 0500));
    assert_mount_refused(workspace, workspace->store, workspace->mnt, "STORE", "writ");
    assert_ok(chmod("store", 0));
    struct program_result result = run_program(shmapfs(), workspace->store, workspace->mnt, NULL);
    assert_refused(&result, FAILED, "STORE", "permission", NULL);
    assert_ok(chmod("store", 0700));
}

static void store_on_a_read_only_disk(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // Only root has one to show.
    need_user_attributes("/dev/shm");
    assert_ok(mount("tmpfs", workspace->store, "tmpfs", MS_RDONLY, NULL));
    assert_mount_refused(workspace, workspace->store, workspace->mnt, "STORE", "read-only", "ro");
    // Reading is still possible.
    struct program_result result =
        run_program(shmapfs(), workspace->store, workspace->mnt, "-o", "ro", NULL);
    assert_done(&result);
    workspace_unmount(workspace);
    assert_ok(umount(workspace->store));
}

static void store_without_extended_attributes(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // Only root has one to show.
    assert_ok(mount("ramfs", workspace->store, "ramfs", 0, NULL));
    assert_mount_refused(workspace, workspace->store, workspace->mnt, "STORE",
                         "extended attributes");
    assert_ok(umount(workspace->store));
}

static void store_that_is_mounted_already(void **state)
{
    struct workspace *workspace = workspace_of(state);

    assert_ok(mkdir("second", 0755));
    assert_ok(symlink("store", "alias"));
    workspace_mount(workspace, true, "");
    char *tree = workspace_tree();
    static const char *const names[] = { "store", "alias", "./store/", "mnt/../store" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct program_result result = run_program(shmapfs(), names[i], "second", NULL);
        assert_refused(&result, FAILED, "STORE", "mounted", workspace->mnt, NULL);
    }
    char *now = workspace_tree();
    assert_string_equal(now, tree);
    free(now);
    free(tree);
    // The first one is not disturbed.
    put_file("mnt/file", "contents");
    assert_content("mnt/file", "contents");
    workspace_unmount(workspace);
}

static void mountpoint_that_is_missing(void **state)
{
    struct workspace *workspace = workspace_of(state);

    assert_mount_refused(workspace, workspace->store, "missing", "missing", "not exist");
    struct program_result result = run_program(shmapfs(), "missing", NULL);
    assert_refused(&result, FAILED, "missing", "not exist", NULL);
}

static void mountpoint_that_is_no_directory(void **state)
{
    struct workspace *workspace = workspace_of(state);

    put_file("file", "");
    assert_mount_refused(workspace, workspace->store, "file", "file", "not a directory");
    struct program_result result = run_program(shmapfs(), "file", NULL);
    assert_refused(&result, FAILED, "file", "not a directory", NULL);
}

static void mountpoint_that_is_not_empty(void **state)
{
    struct workspace *workspace = workspace_of(state);

    put_file("mnt/file", "");
    assert_mount_refused(workspace, workspace->store, workspace->mnt, workspace->mnt, "not empty");
    struct program_result result = run_program(shmapfs(), workspace->mnt, "-o", "size=1m", NULL);
    assert_refused(&result, FAILED, workspace->mnt, "not empty", NULL);
}

static void mountpoint_that_is_busy(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    struct program_result result = run_program(shmapfs(), workspace->mnt, NULL);
    assert_refused(&result, FAILED, workspace->mnt, "already", NULL);
    result = run_program(shmapfs(), workspace->store, workspace->mnt, NULL);
    assert_refused(&result, FAILED, workspace->mnt, "already", NULL);
    put_file("mnt/file", "contents");
    assert_content("mnt/file", "contents");
    workspace_unmount(workspace);
    assert_false(exists("mnt/file"));
}

enum { MOUNTED = 10, TOLD_BUSY = 20 };

static int mount_when_told(struct coprocess *parent, void *mountpoint)
{
    coprocess_check(coprocess_await_turn(parent));
    struct program_result result = run_program(shmapfs(), mountpoint, NULL);
    if (result.status == 0)
        return MOUNTED;
    assert_refused(&result, FAILED, mountpoint, "busy", NULL);
    return TOLD_BUSY;
}

static void mountpoint_that_many_want_at_once(void **state)
{
    enum { MANY = 10, ROUNDS = 3 };
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocesses[MANY];

    for (int round = 0; round < ROUNDS; round++) {
        int mounted = 0, busy = 0;
        for (int i = 0; i < MANY; i++)
            assert_int_equal(coprocess_start(&coprocesses[i], mount_when_told, workspace->mnt), 0);
        for (int i = 0; i < MANY; i++)
            assert_true(coprocess_give_turn(&coprocesses[i]));
        for (int i = 0; i < MANY; i++) {
            int result = coprocess_end(&coprocesses[i]);
            mounted += result == MOUNTED;
            busy += result == TOLD_BUSY;
        }
        assert_int_equal(mounted, 1);
        assert_int_equal(busy, MANY - 1);
        put_file("mnt/file", "contents");
        assert_content("mnt/file", "contents");
        workspace_unmount(workspace);
    }
}

/* A directory of root's that a mount could be on: nothing is in it. */
static const char *empty_directory(void)
{
    static const char *const candidates[] = { "/srv", "/mnt", "/media", "/opt", "/var/opt" };

    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
        struct program_result result =
            run_program("find", candidates[i], "-maxdepth", "0", "-empty", NULL);
        if (result.status == 0 && result.out[0] != '\0')
            return candidates[i];
    }
    harness_skip_case("root has no empty directory here");
    return NULL;
}

static void mountpoint_of_somebody_else(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (workspace->root)
        return; // Root may mount anywhere.
    const char *directory = empty_directory();
    struct program_result result = run_program(shmapfs(), directory, NULL);
    assert_refused(&result, FAILED, directory, "access", NULL);
}

static void store_and_mountpoint_inside_each_other(void **state)
{
    struct workspace *workspace = workspace_of(state);

    assert_ok(mkdir("store/inside", 0755));
    assert_ok(symlink("store/inside", "way-in"));
    assert_mount_refused(workspace, "store", "store", "STORE", "MOUNTPOINT");
    assert_mount_refused(workspace, "store", "store/inside", "STORE", "MOUNTPOINT", "inside");
    assert_mount_refused(workspace, "store", "way-in", "STORE", "MOUNTPOINT", "inside");
    assert_mount_refused(workspace, "./store/../store", "store/inside/.", "STORE", "inside");
    assert_mount_refused(workspace, "store/inside", "store", "STORE", "MOUNTPOINT");
    // A name that merely begins alike is another directory.
    assert_ok(mkdir("store-mnt", 0755));
    struct program_result result = run_program(shmapfs(), "store", "store-mnt", NULL);
    assert_done(&result);
    result = run_program("fusermount3", "-u", "store-mnt", NULL);
    assert_done(&result);
    assert_int_equal(workspace_await_children(), 0);
}

/* Runs shmapfs in a mount namespace in which `prepare` (a command of sh) was done before. */
static struct program_result run_after(const char *prepare, const struct workspace *workspace)
{
    char script[1024];

    snprintf(script, sizeof(script), "%s && exec \"$@\"", prepare);
    return run_program("unshare", "-m", "sh", "-c", script, "sh", shmapfs(), workspace->mnt, NULL);
}

static void machine_without_fuse(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char prepare[512];

    if (!workspace->root)
        return; // Only root can take the device away.
    assert_ok(mkdir("dev", 0755));
    char *tree = workspace_tree();
    snprintf(prepare, sizeof(prepare),
             "mount -t tmpfs dev '%s/dev' && mknod -m 666 dev/null c 1 3 && "
             "mount --move dev /dev",
             workspace->dir);
    struct program_result result = run_after(prepare, workspace);
    assert_refused(&result, FAILED, "/dev/fuse", "modprobe", NULL);
    // The device is there, but no driver answers for it.
    snprintf(prepare, sizeof(prepare),
             "mount -t tmpfs dev '%s/dev' && mknod -m 666 dev/null c 1 3 && "
             "mknod -m 666 dev/fuse c 10 254 && mount --move dev /dev",
             workspace->dir);
    result = run_after(prepare, workspace);
    assert_refused(&result, FAILED, "/dev/fuse", NULL);
    assert_nothing_left(workspace, tree);
    free(tree);
}

/* Runs shmapfs where nothing can be executed as the helper that mounts for users. A program that is
 * installed knows the helper's path, beside PATH. The inner user namespace has no rights over the
 * mounts of the outer one. */
static struct program_result run_without_helper(const struct workspace *workspace)
{
    static const char script[] =
        "user=$1 group=$2; shift 2;"
        "for place in /usr/local/bin /usr/local/sbin /usr/bin /usr/sbin /bin /sbin; do"
        "    [ ! -e $place/fusermount3 ] || mount --bind /dev/null $place/fusermount3 || exit 99;"
        "done;"
        "exec unshare -U --map-user=$user --map-group=$group env -i PATH=/nowhere \"$@\"";
    char user[16], group[16];

    snprintf(user, sizeof(user), "%u", geteuid());
    snprintf(group, sizeof(group), "%u", getegid());
    return run_program("unshare", "-U", "-m", "--map-root-user", "sh", "-c", script, "sh", user,
                       group, shmapfs(), workspace->mnt, NULL);
}

static void nobody_who_may_mount(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (workspace->root)
        return; // Root may.
    struct program_result result =
        run_program("unshare", "-U", "-m", "--map-root-user", "true", NULL);
    if (result.status != 0)
        harness_skip_case("a user may have no namespaces here, to hide fusermount3 in");
    char *tree = workspace_tree();
    result = run_without_helper(workspace);
    if (result.status == 0)
        fail_msg("a user mounted without fusermount3");
    assert_refused(&result, FAILED, "fusermount3", NULL);
    assert_nothing_left(workspace, tree);
    free(tree);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(store_that_is_missing),
    cmocka_unit_test(store_that_is_no_directory),
    cmocka_unit_test(store_that_may_not_be_written),
    cmocka_unit_test(store_on_a_read_only_disk),
    cmocka_unit_test(store_without_extended_attributes),
    cmocka_unit_test(store_that_is_mounted_already),
    cmocka_unit_test(mountpoint_that_is_missing),
    cmocka_unit_test(mountpoint_that_is_no_directory),
    cmocka_unit_test(mountpoint_that_is_not_empty),
    cmocka_unit_test(mountpoint_that_is_busy),
    cmocka_unit_test(mountpoint_that_many_want_at_once),
    cmocka_unit_test(mountpoint_of_somebody_else),
    cmocka_unit_test(store_and_mountpoint_inside_each_other),
    cmocka_unit_test(machine_without_fuse),
    cmocka_unit_test(nobody_who_may_mount),
};

WORKSPACE_MAIN("cli", cases)
