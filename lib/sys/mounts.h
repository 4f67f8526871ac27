// SPDX-License-Identifier: BSD-2-Clause
/* The shmapfs mounts that this process can see. */
#ifndef SHMAP_MOUNTS_H
#define SHMAP_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOUNTS_TYPE "fuse.shmapfs"

/* Finds where a store is mounted, by its absolute path without symlinks. */
bool mounts_find_store(const char *store, char *mountpoint, size_t size);

/* Finds where a mount is now, by its id (statx(2), STATX_MNT_ID). */
bool mounts_find_id(uint64_t id, char *mountpoint, size_t size);

/* Whether what is mounted exactly at an absolute path without symlinks is a shmapfs. One that another
 * mount covers does not count. */
bool mounts_at(const char *path);

#endif
