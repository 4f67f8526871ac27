// SPDX-License-Identifier: BSD-2-Clause
/* The users who may ask for an upgrade. */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/keeper/upgrade.h"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/api/shmap.h"

enum { STRANGER = 1000 };

static void set_by_somebody_else(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    pid_t keeper = start_upgradable(workspace);

    assert_ok(chmod("mnt", 0777));
    if (workspace->root)
        // The kernel lets every user who may write set it; that is not enough.
        assert_errno(setxattr(workspace->mnt, SHMAP_XATTR_UPGRADE, "", 0, 0), EPERM);
    else
        assert_errno(setxattr(workspace->mnt, SHMAP_XATTR_UPGRADE_TRUSTED, "", 0, 0), EPERM);
    put_file("mnt/file", "");
    assert_int_equal(setxattr("mnt/file", upgrade_attribute(workspace), "", 0, 0), -1);
    assert_int_equal(shmap_status_of(workspace).upgrades, 0);
    keeper_stop(workspace, keeper);
}

static int ask_both_ways(void *argument)
{
    const struct workspace *workspace = argument;

    if (setxattr(workspace->mnt, SHMAP_XATTR_UPGRADE, "", 0, 0) != -1 || errno != EPERM)
        return 1;
    return setxattr(workspace->mnt, SHMAP_XATTR_UPGRADE_TRUSTED, "", 0, 0) == -1 && errno == EPERM
               ? 0
               : 2;
}

/* User id 0, but not almighty: as in a container. */
static int ask_without_privilege(void *argument)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[2];

    if (syscall(SYS_capget, &header, sets) != 0)
        return 3;
    sets[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective &= ~CAP_TO_MASK(CAP_SYS_ADMIN);
    sets[CAP_TO_INDEX(CAP_SYS_ADMIN)].permitted &= ~CAP_TO_MASK(CAP_SYS_ADMIN);
    if (syscall(SYS_capset, &header, sets) != 0)
        return 4;
    return ask_both_ways(argument);
}

static void set_by_who_lacks_the_privilege(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // Two users are needed.
    pid_t keeper = start_upgradable(workspace);
    assert_ok(chmod("mnt", 0777));
    assert_int_equal(harness_as(STRANGER, STRANGER, 0, NULL, ask_both_ways, workspace), 0);
    assert_int_equal(harness_as(0, 0, 0, NULL, ask_without_privilege, workspace), 0);
    assert_int_equal(shmap_status_of(workspace).upgrades, 0);
    assert_ok(upgrade_mount(workspace, ""));
    assert_int_equal(shmap_status_of(workspace).upgrades, 1);
    keeper_stop(workspace, keeper);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(set_by_somebody_else),
    cmocka_unit_test(set_by_who_lacks_the_privilege),
};

WORKSPACE_MAIN("upgrade_permission", cases)
