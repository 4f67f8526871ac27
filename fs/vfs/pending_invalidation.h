// SPDX-License-Identifier: BSD-2-Clause
/*
 * Pending invalidations: attributes that the kernel keeps of files which were opened for writing
 * since, and which a write through a mapping may make untrue.
 *
 * The kernel asks for dropped attributes before the next open, to check permissions: dropped at
 * once, they would cost every open for writing another round trip. So the files are listed here, in
 * memory that outlives the process, and looked after some milliseconds later. The attributes of a
 * file that is still open or mapped, or has changed, are dropped then. Until then stat(2) tells the
 * truth all the same, because mapping a passthrough file makes the kernel distrust its access time,
 * and so ask. Only a statx(2) that asks for other attributes alone may see what they were before a
 * write through the mapping: for so long, or until the writer has closed the file, if that comes
 * first.
 */
#ifndef SHMAPFS_PENDING_INVALIDATION_H
#define SHMAPFS_PENDING_INVALIDATION_H

#include "fs/inode/inode.h"

/* Returns 0 or -ENOMEM. */
int pending_invalidation_init(struct volume *volume);
void pending_invalidation_destroy(struct volume *volume);

/* Lists a file that is open for writing now; `stx` is what the kernel has of it. */
void pending_invalidation_add(const struct inode *inode, const struct statx *stx);

/* Returns for how many seconds the kernel may keep the attributes `stx` of a file that was just
 * made and is open; lists the file if need be. */
double pending_invalidation_add_new(struct inode *inode, const struct statx *stx);

/* Tells the kernel at once if a file has changed that a writer has just closed; if it is empty as
 * it was, there is nothing left to look after. */
void pending_invalidation_writer_left(struct inode *inode);

/* Looks after the listed files in RAM, every few ticks, and after one file that is listed. The
 * store may not answer: nobody who looks after files there is to be waited for. Return whether
 * any file was listed. */
bool pending_invalidation_settle(struct volume *volume);
bool pending_invalidation_settle_one(struct volume *volume, bool in_store);

/* Returns whether this tick is one of those that look. For the ticker alone. */
bool pending_invalidation_is_due(const struct volume *volume);

/* Returns whether files of the store are listed, or of RAM. */
bool pending_invalidation_waits(struct volume *volume, bool in_store);

#endif
