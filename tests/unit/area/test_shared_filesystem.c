// SPDX-License-Identifier: BSD-2-Clause
/* The filesystems that other hosts can reach. */
#include "tests/unit/unit.h"

#include "lib/area/shared_filesystem.h"

static void disks_are_of_one_host(void **state)
{
    (void)state;
    assert_false(filesystem_is_shared("ext4"));
    assert_false(filesystem_is_shared("xfs"));
    assert_false(filesystem_is_shared("tmpfs"));
    assert_false(filesystem_is_shared("fuseblk"));
    assert_false(filesystem_is_shared("fusectl"));
}

static void servers_have_several_hosts(void **state)
{
    (void)state;
    assert_true(filesystem_is_shared("nfs"));
    assert_true(filesystem_is_shared("nfs4"));
    assert_true(filesystem_is_shared("ceph"));
    assert_true(filesystem_is_shared("ocfs2"));
    assert_true(filesystem_is_shared("9p"));
}

/* One that nobody knows may have servers. */
static void of_fuse_only_some_are_known(void **state)
{
    (void)state;
    assert_false(filesystem_is_shared("fuse.mergerfs"));
    assert_false(filesystem_is_shared("fuse.shmapfs"));
    assert_true(filesystem_is_shared("fuse.glusterfs"));
    assert_true(filesystem_is_shared("fuse.sshfs"));
    assert_true(filesystem_is_shared("fuse.new"));
    assert_true(filesystem_is_shared("fuse"));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(disks_are_of_one_host),
        cmocka_unit_test(servers_have_several_hosts),
        cmocka_unit_test(of_fuse_only_some_are_known),
    };

    return cmocka_run_group_tests_name("shared filesystem", cases, NULL, NULL);
}
