// SPDX-License-Identifier: BSD-2-Clause
/*
 * Locks of files, where the kernel forwards them to the daemon: on a mount whose store other hosts
 * use, too. The daemon takes each lock on the area's own file, by a descriptor that is the owner's
 * alone (fs/state/lock_table.h), and there it holds among all hosts, as far as that filesystem's
 * locks do.
 *
 * The descriptors' locks are those of open file descriptions, or flock: the POSIX locks of the
 * daemon would be one process', and its owners' would merge. When the kernel forwards locks it does
 * so for every file, so those of RAM areas come here, too.
 *
 * A lock that somebody else has is waited for in a queue (lock_queue.h), without a thread.
 */
#ifndef SHMAPFS_FILE_LOCKS_H
#define SHMAPFS_FILE_LOCKS_H

#include <linux/fuse.h>

#include "fs/inode/inode.h"
#include "fs/locks/lock_request.h"

int file_locks_init(struct volume *volume);
void file_locks_destroy(struct volume *volume);

/* Makes the memory of a mount that forwards locks; takes that of an earlier process over; and says
 * which descriptors are kept, in the process that is to work on it. They return 0 or a negative
 * errno. */
int file_locks_create(struct volume *volume);
int file_locks_attach(struct volume *volume, int memfd);
bool file_locks_keep(struct volume *volume);

/* Starts what looks after those who wait. Returns 0 or a negative errno. */
int file_locks_start(struct volume *volume, size_t stack_bytes);

/* Returns what tells an open from all others; 0 where locks are not forwarded. */
uint64_t file_locks_new_opening(struct volume *volume);

/* The request was put into the queue, and is answered from there. */
#define FILE_LOCK_WAITS 1

/* Takes a lock, or gives it up. -EAGAIN: somebody else has it. With the header of a request that
 * may wait: FILE_LOCK_WAITS; -EDEADLK: for ever. */
int file_locks_set(struct volume *volume, const struct lock_request *request,
                   const struct fuse_in_header *waits);

/* Finds a lock that keeps the request's from being taken. F_UNLCK: there is none. */
int file_locks_test(struct volume *volume, const struct lock_request *request, struct flock *found);

/* Gives up the locks of ranges that an owner has on a file: it has closed a descriptor of that. */
void file_locks_owner_closed(struct volume *volume, uint64_t node, uint64_t owner);

/* Gives up all locks that came by an open, which has ended. */
void file_locks_opening_ended(struct volume *volume, uint64_t node, uint64_t opening);

/* Counts the owners, and those who wait. */
void file_locks_count(const struct volume *volume, uint64_t *owners, uint64_t *waiting);

/* Ends the wait of a request, by the kernel's number, with EINTR. */
void file_locks_interrupt(struct volume *volume, uint64_t unique);

#endif
