// SPDX-License-Identifier: BSD-2-Clause
/*
 * Requests that take long: a sync (SHMAP_XATTR_SYNC), and the commit of all that is uncommitted
 * (SHMAP_XATTR_SAVE).
 *
 * The kernel tells no daemon of syncfs(2), so a client reads an attribute, and is answered when all
 * that was written through the mount before is on the disk of the store, or committed. That may
 * take long. So the requests wait in a list, and no thread that serves waits with them, however
 * many there are. A thread of its own does it once at a time, for all requests that came before it
 * began.
 *
 * A worker that dies or leaves takes the list with it. The requests are parked meanwhile
 * (fs/state/parking.h), and the next worker begins anew.
 */
#ifndef SHMAPFS_SYNC_H
#define SHMAPFS_SYNC_H

#include "fs/mount/mount.h"

/* Answers the request, which reads an attribute with room for `size` bytes, when it is done. */
void sync_request(fuse_req_t req, enum awaited kind, size_t size);

#endif
