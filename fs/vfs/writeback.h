// SPDX-License-Identifier: BSD-2-Clause
/*
 * How much of what programs store may wait in FUSE's page cache. That is where it is when an area's
 * files are not passed through; elsewhere the area's own file system has the pages.
 */
#ifndef SHMAPFS_WRITEBACK_H
#define SHMAPFS_WRITEBACK_H

#include "fs/inode/volume.h"

/* Whether FUSE's page cache may hold what the daemon does not have yet. */
bool writeback_happens(const struct volume *volume);

/* Makes this process, and those that come of it, ones whose work others wait for in order to write.
 * Before the credentials are given up; completes `info`. */
void writeback_prepare(struct volume *volume);

/* Takes the kernel's limits for FUSE away, as far as that is allowed and safe. */
void writeback_raise_limits(const struct volume *volume);

#endif
