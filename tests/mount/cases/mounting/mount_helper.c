// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/mounting/mount_helper.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

void begin_helper(const struct workspace *workspace)
{
    assert_ok(mkdir("sbin", 0755));
    assert_ok(symlink(shmapfs(), HELPER));
    if (workspace->root)
        assert_ok(mount("sbin", "/usr/sbin", NULL, MS_BIND, NULL));
}

void end_helper(const struct workspace *workspace)
{
    if (workspace->root)
        assert_ok(umount("/usr/sbin"));
    assert_ok(unlink(HELPER));
    assert_ok(rmdir("sbin"));
}
