// SPDX-License-Identifier: BSD-2-Clause
/* The attribute SHMAP_XATTR_LIFETIME: how long files in RAM live. The functions return 0 or a
 * negative errno. */
#ifndef SHMAPFS_LIFETIME_MARK_H
#define SHMAPFS_LIFETIME_MARK_H

#include "fs/inode/inode.h"

/* Finds the lifetime of a file, or of what is made in a directory, as a text for free(). -ENODATA:
 * there is none. */
int lifetime_mark_get(struct inode *inode, char **value);

/* Give a directory a lifetime for what is made in it from now on, and take that away. -ENOTDIR;
 * -EINVAL, also where its files last; -EOPNOTSUPP: nothing tells here when a file has lost its last
 * user. */
int lifetime_mark_set(struct inode *inode, const char *value, size_t size);
int lifetime_mark_remove(struct inode *inode);

#endif
