// SPDX-License-Identifier: BSD-2-Clause
// A store whose filesystem takes attributes by any name, and asks nobody for rights: it would take
// them from the daemon, in whose name they come. It answers with any error, too.
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"
#include "tests/mount/workspace/workspace.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool is_mounted(void *path)
{
    return workspace_is_mounted(path);
}

/* Covers the workspace's store with the filesystem, which shows a directory. */
static void cover_store(const struct workspace *workspace, const char *directory)
{
    const char *program = getenv("ANY_ATTRIBUTE");
    pid_t pid = fork();

    assert_ok(pid);
    if (pid == 0) {
        execl(program, program, directory, workspace->store, NULL);
        _exit(127);
    }
    assert_true(becomes_true(is_mounted, (void *)(uintptr_t)workspace->store));
}

/* The store's own filesystem ends with the mount, its last user. */
static void end_both(void)
{
    assert_ok(umount2("store", MNT_DETACH));
    assert_ok(umount2("mnt", 0));
    assert_int_equal(workspace_await_children(), 0);
}

static int set_other(void *path)
{
    return result_of(setxattr(path, "system.other", "x", 1, 0));
}

static const char *const foreign[] = { "system.other", "system.posix_acl", "system.nfs4_acl",
                                       "other.name", "system.posix_acl_access.other" };

static void only_what_the_kernel_checks_reaches_the_store(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char list[4096], value[8];

    assert_ok(mkdir("shown", 0777));
    assert_ok(chmod("shown", 0777));
    cover_store(workspace, "shown");
    // The store takes them, and so the mount would.
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        assert_ok(setxattr("store", foreign[i], "own", 3, 0));
    assert_ok(setxattr("store", "user.plain", "value", 5, 0));
    assert_ok(setxattr("store", "trusted.plain", "value", 5, 0));
    workspace_mount(workspace, true, "noshared");

    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        assert_errno(setxattr("mnt", foreign[i], "x", 1, 0), EOPNOTSUPP);
        assert_errno(getxattr("mnt", foreign[i], value, sizeof(value)), EOPNOTSUPP);
        assert_errno(getxattr("mnt", foreign[i], NULL, 0), EOPNOTSUPP);
        assert_errno(removexattr("mnt", foreign[i]), EOPNOTSUPP);
        assert_int_equal(getxattr("store", foreign[i], value, sizeof(value)), 3);
    }
    assert_int_equal(as(ALICE, set_other, "mnt"), EOPNOTSUPP);
    ssize_t length = listxattr("mnt", list, sizeof(list));
    assert_int_equal(length, strlen("user.plain") + strlen("trusted.plain") + 2);
    assert_int_equal(getxattr("mnt", "user.plain", value, sizeof(value)), 5);
    assert_int_equal(getxattr("mnt", "trusted.plain", value, sizeof(value)), 5);
    end_both();
}

// The kernel says ENOTCONN of a mount that nobody serves any more; this one is served.
static void no_error_of_the_store_says_that_the_mount_has_gone(void **state)
{
    static const struct {
        int stores, mounts;
    } errors[] = {
        { ENOTCONN, EIO },  { ECONNABORTED, EIO }, { EBADFD, EIO },
        { EDQUOT, EDQUOT }, { ESTALE, ESTALE },    { EREMOTEIO, EREMOTEIO },
    };
    struct workspace *workspace = workspace_of(state);

    assert_ok(mkdir("shown", 0777));
    cover_store(workspace, "shown");
    workspace_mount(workspace, true, "noshared");
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        char name[32];

        snprintf(name, sizeof(name), "user.errno.%d", errors[i].stores);
        assert_errno(getxattr("store", name, NULL, 0), errors[i].stores);
        assert_errno(getxattr("mnt", name, NULL, 0), errors[i].mounts);
    }
    end_both();
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(only_what_the_kernel_checks_reaches_the_store),
    cmocka_unit_test(no_error_of_the_store_says_that_the_mount_has_gone),
};

WORKSPACE_MAIN("store_xattr", cases)
