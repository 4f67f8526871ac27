// SPDX-License-Identifier: BSD-2-Clause
/*
 * Syncs that clients ask for (SHMAP_XATTR_SYNC).
 *
 * The kernel tells no daemon of syncfs(2), so a client reads an attribute, and is answered when all
 * that was written through the mount before is on the disk of the store. That may take long. So the
 * requests wait in a list, and no thread that serves waits with them, however many there are. A
 * thread of its own makes one sync at a time, for all requests that came before it began.
 *
 * A worker that dies or leaves takes the list with it. The requests are parked meanwhile
 * (fs/state/parking.h), and the next worker syncs anew.
 */
#ifndef SHMAPFS_SYNC_H
#define SHMAPFS_SYNC_H

#include <fuse_lowlevel.h>

/* Answers the request, which reads an attribute with room for `size` bytes, when all is on the
 * disk. */
void sync_request(fuse_req_t req, size_t size);

#endif
