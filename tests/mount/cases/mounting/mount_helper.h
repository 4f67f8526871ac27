// SPDX-License-Identifier: BSD-2-Clause
/* The helper in the place where mount(8) looks for it, and changes of a mount by way of it. */
#ifndef SHMAPFS_TESTS_MOUNT_HELPER_H
#define SHMAPFS_TESTS_MOUNT_HELPER_H

#include "tests/mount/workspace/workspace.h"

/* The helper, in the case's directory. */
#define HELPER "sbin/mount.fuse.shmapfs"

/* Make HELPER, which root's mount(8) finds in the namespace of the cases, and take it away. */
void begin_helper(const struct workspace *workspace);
void end_helper(const struct workspace *workspace);

/* Remounts as an administrator does, or a user may; the latter fails with 1. */
struct program_result try_remount(const struct workspace *workspace, const char *changes);

/* The same, which must succeed. */
void remount(const struct workspace *workspace, const char *changes);

/* The flags of the mount, as statvfs(2) has them. */
unsigned long flags_of(const struct workspace *workspace);

#endif
