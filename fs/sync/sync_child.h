// SPDX-License-Identifier: BSD-2-Clause
/*
 * A sync, made in a child of the worker; and the last writes of a mount that ends.
 *
 * Data that passes through the kernel is dirty in the store alone, and syncfs(2) brings it to the
 * disk. Other data is dirty in FUSE's page cache first. There, syncfs(2) and sync(2) only wake the
 * kernel's writer, and wait for nothing; what waits is fdatasync(2) of each file. Only a file that
 * is open for writing can have dirty pages: a mapping keeps it open, and closing one writes what is
 * left. The node table knows those.
 *
 * No signal ends these calls. A worker that makes them could not end before the disk has answered,
 * and nobody would serve the mount meanwhile; and one that waits for an answer of its own, never.
 * So a child makes them, which has nothing of the daemon's but a socket: to the mount it is a
 * client like any other.
 */
#ifndef SHMAPFS_SYNC_CHILD_H
#define SHMAPFS_SYNC_CHILD_H

#include "fs/mount/mount.h"
#include "fs/sync/node_list.h"

/* Returns when all that was written through the mount before is on the disk of the store, which may
 * take as long as that does. Other threads must serve. Returns 0 or a negative errno; -ENXIO: what
 * is in FUSE's page cache cannot be reached, because the daemon does not see its own mount. */
int sync_child_run(struct mount *mount);

/* Brings what was stored through mappings of some files to the daemon, and, where that is wanted,
 * does what fsync(2) does, if not their users alone do that. Other threads must serve. Returns 0,
 * or the first negative errno after having tried all; -ENXIO as above. */
int sync_child_files(struct mount *mount, const struct node_list *files, bool commit);

/* Takes the mount out of sight, and returns when all that was written to the store's files before
 * has arrived there, though maybe not on the disk. It gives up when the daemon answers no WRITE for
 * a minute, and logs what fails. Other threads must serve. Processes with open files keep them
 * until the daemon ends. */
void sync_child_end(struct volume *volume);

#endif
