// SPDX-License-Identifier: BSD-2-Clause
/* The helper in the place where mount(8) looks for it. */
#ifndef SHMAPFS_TESTS_MOUNT_HELPER_H
#define SHMAPFS_TESTS_MOUNT_HELPER_H

#include "tests/mount/workspace/workspace.h"

/* The helper, in the case's directory. */
#define HELPER "sbin/mount.fuse.shmapfs"

/* Make HELPER, which root's mount(8) finds in the namespace of the cases, and take it away. */
void begin_helper(const struct workspace *workspace);
void end_helper(const struct workspace *workspace);

#endif
