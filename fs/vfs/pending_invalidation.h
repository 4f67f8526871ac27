// SPDX-License-Identifier: BSD-2-Clause
/*
 * Attributes that the kernel keeps of files that were opened for writing since, and that a store
 * through a mapping may make untrue.
 *
 * The kernel asks for dropped attributes before the next open, to check permissions: dropped at once,
 * every open for writing would cost another round trip. So the files are listed here, in memory that
 * outlives the process, and looked after some milliseconds later: what is still open or mapped, or has
 * changed, is dropped. Until then stat(2) tells the truth all the same, for mapping a passthrough
 * file makes the kernel distrust its access time, and so ask. Only who asks for other attributes alone
 * (statx(2)) may see, for so long, what they were before a store through the mapping; or until the
 * writer has closed the file, if that comes first.
 */
#ifndef SHMAPFS_PENDING_INVALIDATION_H
#define SHMAPFS_PENDING_INVALIDATION_H

#include "fs/inode/inode.h"

/* Returns 0 or -ENOMEM. */
int pending_invalidation_init(struct volume *volume);
void pending_invalidation_destroy(struct volume *volume);

/* The file is open for writing now; `stx` is what the kernel has of it. */
void pending_invalidation_add(const struct inode *inode, const struct statx *stx);

/* For how many seconds the kernel may keep the attributes `stx` of a file that was just made, and is
 * open. */
double pending_invalidation_add_new(struct inode *inode, const struct statx *stx);

/* A writer has closed the file: the kernel is told at once if it has changed. */
void pending_invalidation_writer_left(struct inode *inode);

/* Looks after what was listed; returns whether there was anything. */
bool pending_invalidation_settle(struct volume *volume);

#endif
