// SPDX-License-Identifier: BSD-2-Clause
/* Attributes of inodes, and for how long the kernel may believe them. */
#ifndef SHMAPFS_ATTR_H
#define SHMAPFS_ATTR_H

#include "fs/inode/inode.h"

/* Returns 0 or -ENOMEM. */
int attr_init(struct volume *volume);
void attr_destroy(struct volume *volume);

/* Whether attributes of an inode can change without the kernel's knowing. */
bool attr_changes_unseen(const struct inode *inode);

/* What the area says of an inode, as the mount shows it. `timeout` (may be NULL) receives the
 * seconds that the kernel may keep it. */
int attr_read(struct inode *inode, struct statx *stx, double *timeout);

/* The same when the attributes were just read by a lookup: they are read again only if somebody may
 * have changed them since. */
int attr_confirm(struct inode *inode, struct statx *stx, double *timeout);

/* In the form that most replies want. */
void attr_to_stat(const struct inode *inode, const struct statx *stx, struct stat *st);

/* Makes the kernel drop the attributes of a node. */
void attr_invalidate(struct volume *volume, uint64_t id);

/* Whether somebody has a file open for writing, or mapped so. It is up to date afterwards. */
bool attr_may_change(struct inode *inode);

#endif
