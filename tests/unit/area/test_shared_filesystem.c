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

static void mappings_are_known_of_some(void **state)
{
    (void)state;
    assert_int_equal(filesystem_mappings("fuse.glusterfs"), MAPPINGS_AFTER_SYNC);
    assert_int_equal(filesystem_mappings("ocfs2"), MAPPINGS_AT_ONCE);
    assert_int_equal(filesystem_mappings("nfs4"), MAPPINGS_NEVER);
    assert_int_equal(filesystem_mappings("ceph"), MAPPINGS_UNTRIED);
    assert_int_equal(filesystem_mappings("fuse.sshfs"), MAPPINGS_REFUSED);
    assert_int_equal(filesystem_mappings("ext4"), MAPPINGS_REFUSED);
    assert_string_equal(filesystem_mappings_word(MAPPINGS_AFTER_SYNC), "after-msync");
    assert_string_equal(filesystem_mappings_word(MAPPINGS_REFUSED), "");
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(disks_are_of_one_host),
        cmocka_unit_test(servers_have_several_hosts),
        cmocka_unit_test(of_fuse_only_some_are_known),
        cmocka_unit_test(mappings_are_known_of_some),
    };

    return cmocka_run_group_tests_name("shared filesystem", cases, NULL, NULL);
}
