// SPDX-License-Identifier: BSD-2-Clause
/* Extended attributes that are not stored but control shmapfs: a table of them, with what each is good
 * for. */
#ifndef SHMAPFS_CONTROL_XATTR_H
#define SHMAPFS_CONTROL_XATTR_H

#include "fs/inode/inode.h"

/* Whether a name is one of them, or kept for one. */
bool control_xattr_is(const char *name);

/* The value of one, for free(), and its length, for a user. -ENODATA: there is none by this name here;
 * -EPERM: not for this user. */
ssize_t control_xattr_get(struct inode *inode, uid_t uid, const char *name, char **value);

/* Sets one in the name of a user. What can go wrong is described at the functions in shmap.h that
 * do it. */
int control_xattr_set(struct inode *inode, uid_t uid, const char *name, const char *value,
                      size_t size);

int control_xattr_remove(struct inode *inode, uid_t uid, const char *name);

#endif
