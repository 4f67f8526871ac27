// SPDX-License-Identifier: BSD-2-Clause
/* Attributes of inodes, and for how long the kernel may believe them. */
#ifndef SHMAPFS_ATTR_H
#define SHMAPFS_ATTR_H

#include "inode.h"

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

/* Makes the kernel forget attributes that it was told to keep; an open for writing is about to make
 * them untrue. */
void attr_invalidate(struct inode *inode);

#endif
