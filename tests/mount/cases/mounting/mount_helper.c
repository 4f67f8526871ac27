// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/mounting/mount_helper.h"

#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
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

struct program_result try_remount(const struct workspace *workspace, const char *changes)
{
    char options[1024];

    snprintf(options, sizeof(options), "remount,%s", changes);
    if (workspace->root)
        return run_program("mount", "-o", options, workspace->mnt, NULL);
    return run_program(shmapfs(), workspace->mnt, "-o", options, NULL);
}

void remount(const struct workspace *workspace, const char *changes)
{
    struct program_result result = try_remount(workspace, changes);

    assert_done(&result);
}

unsigned long flags_of(const struct workspace *workspace)
{
    struct statvfs vfs;

    assert_ok(statvfs(workspace->mnt, &vfs));
    return vfs.f_flag;
}
