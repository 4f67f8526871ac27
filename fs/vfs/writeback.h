// SPDX-License-Identifier: BSD-2-Clause
/*
 * Limits of writeback: how much of what programs write may wait in FUSE's page cache. It waits
 * there when an area's files are not passed through; elsewhere the area's own file system has the
 * pages.
 */
#ifndef SHMAPFS_WRITEBACK_H
#define SHMAPFS_WRITEBACK_H

#include "fs/inode/volume.h"

/* Returns whether FUSE's page cache may hold what the daemon does not have yet. */
bool writeback_happens(const struct volume *volume);

/* Marks this process, and its children, as one that others wait for in order to write. Call it
 * before the credentials are given up; completes `info`. */
void writeback_prepare(struct volume *volume);

/* Lifts the kernel's limits for FUSE, as far as that is allowed and safe; for a user's mount
 * the broker does that, if it is there. */
void writeback_raise_limits(struct volume *volume);

#endif
