// SPDX-License-Identifier: BSD-2-Clause
/* The attributes of inodes, and how long the kernel may believe them. */
#ifndef SHMAPFS_ATTR_H
#define SHMAPFS_ATTR_H

#include "fs/inode/inode.h"

/* Returns 0 or -ENOMEM. */
int attr_init(struct volume *volume);
void attr_destroy(struct volume *volume);

/* Returns whether attributes of an inode can change without the kernel's knowing. */
bool attr_changes_unseen(const struct inode *inode);

/* Reads the attributes of an inode from its area. `timeout` (may be NULL) receives the seconds that
 * the kernel may keep them. */
int attr_read(struct inode *inode, struct statx *stx, double *timeout);

/* Returns a mark of this moment, for attr_confirm(). */
uint64_t attr_mark(const struct volume *volume);

/* Does the same when a lookup has read the attributes since a mark: reads them again only if they
 * may have changed since. The inode need not have a descriptor. */
int attr_confirm(struct inode *inode, uint64_t mark, struct statx *stx, double *timeout);

/* Converts attributes to the form that most replies want. */
void attr_to_stat(const struct inode *inode, const struct statx *stx, struct stat *st);

/* Makes the kernel drop the attributes of a node. */
void attr_invalidate(struct volume *volume, uint64_t id);

/* Returns whether a file is open for writing, or mapped for writing. Brings the inode's reference
 * up to date. */
bool attr_may_change(struct inode *inode);

/* Returns whether a file that passes through is open for writing by a mapping that has no open file
 * of the mount any more; false, too, where its filesystem does not tell. Brings the inode's
 * reference up to date. The inode has a descriptor. */
bool attr_mapping_writes(struct inode *inode);

/* Returns 1 if somebody has a file open for writing, or one that passes through mapped for writing;
 * 0: nobody. A descriptor that was closed before counts for none: while its RELEASE may be on its
 * way the call waits, so the caller holds no lock that a RELEASE may need. -EAGAIN: somebody seems
 * to, and it cannot be known. */
int attr_find_writers(struct inode *inode);

#endif
