// SPDX-License-Identifier: BSD-2-Clause
/* The attributes SHMAP_XATTR_COMMIT and SHMAP_XATTR_INTERVAL: when files are committed, as
 * lib/class/commit_mark.h has it; and SHMAP_XATTR_UNCOMMITTED: what is not. The functions return 0
 * or a negative errno. */
#ifndef SHMAPFS_COMMIT_ATTRIBUTE_H
#define SHMAPFS_COMMIT_ATTRIBUTE_H

#include "fs/inode/inode.h"

/* Find what is in force for a file or directory, as a text for free(). -ENODATA: its class has no
 * such thing. */
int commit_attribute_get_word(struct inode *inode, char **value);
int commit_attribute_get_interval(struct inode *inode, char **value);

/* Finds how many bytes of a file are not committed, likewise. -ENODATA: all is. */
int commit_attribute_get_uncommitted(struct inode *inode, char **value);

/* Give it to a directory, for what is looked up below from then on. -ENOTDIR; -EINVAL, also where
 * the class has no such thing; -ERANGE. */
int commit_attribute_set_word(struct inode *inode, const char *value, size_t size);
int commit_attribute_set_interval(struct inode *inode, const char *value, size_t size);

#endif
