// SPDX-License-Identifier: BSD-2-Clause
/* The last writes of a mount that ends. */
#ifndef SHMAPFS_FLUSH_H
#define SHMAPFS_FLUSH_H

#include "fs/inode/volume.h"

/* Waits, a minute at most, until what FUSE's page cache holds has arrived. `root` is a descriptor
 * of the mount's root, or -1. Requests must be served meanwhile. */
void flush_wait(struct volume *volume, int root);

#endif
