// SPDX-License-Identifier: BSD-2-Clause
/* Backing files: what the kernel's passthrough reads, writes and maps in place of a file of the
 * mount. */
#ifndef SHMAPFS_BACKING_H
#define SHMAPFS_BACKING_H

#include "fs/mount/mount.h"

/* Registers the file that an O_PATH descriptor stands for, in the name of the calling thread.
 * Returns its id (> 0) or a negative errno. A registration by O_PATH descriptor opens nothing: the
 * file does not count as open for writing, so that it can be executed, and leases on it tell who
 * else uses it. */
int backing_open(struct mount *mount, int path_fd);

/* Closes an id that was taken off a node. */
void backing_close(struct mount *mount, int id);

/* Closes an id that no node ever had, if there is one by that number. */
void backing_drop(struct mount *mount, int id);

/* Finds out, once the kernel has answered for the connection, whether passthrough works for an
 * area's files. */
void backing_probe(struct mount *mount, enum area_kind kind);

#endif
