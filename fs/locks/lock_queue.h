// SPDX-License-Identifier: BSD-2-Clause
/*
 * The queue of those who wait for a lock. A request in it has no thread and no record: its bytes
 * are parked (fs/state/parking.h), and it is answered when the lock is there.
 *
 * A lock that the mount itself gives up is offered to those who wait for it at once, in the order
 * in which they came. Nobody tells when another host gives one up. So a thread asks the store, for
 * the first of those who exclude each other, and the less often the longer he has waited.
 */
#ifndef SHMAPFS_LOCK_QUEUE_H
#define SHMAPFS_LOCK_QUEUE_H

#include <linux/fuse.h>
#include <stdbool.h>

#include "fs/locks/locked_files.h"

/* Puts a request at the end of the queue; the file's turn is held. Returns 0 or a negative errno:
 * -EINTR: its client does not want to wait any more; -EDEADLK. */
int lock_queue_add(struct volume *volume, const struct lock_request *request,
                   const struct fuse_in_header *header);

/* Tries what waits for locks of a file, or of all files of a turn (0); the turn is held. */
void lock_queue_try(struct volume *volume, struct lock_turn *turn, uint64_t node);

/* Ends the wait of a request with EINTR, or remembers that it is not to wait. */
void lock_queue_interrupt(struct volume *volume, uint64_t unique);

/* Starts the thread that asks the store. Returns 0 or a negative errno. */
int lock_queue_start(struct volume *volume, size_t stack_bytes);

#endif
