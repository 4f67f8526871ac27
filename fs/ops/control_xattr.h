// SPDX-License-Identifier: BSD-2-Clause
/* The extended attributes that are not stored but mean something: the class and the pages of a file,
 * the state and the size of the mount. */
#ifndef SHMAPFS_VIRTUAL_H
#define SHMAPFS_VIRTUAL_H

#include "fs/inode/inode.h"

/* The value of one, for free(), and its length; -ENODATA: there is none by this name here. */
ssize_t virtual_get(struct inode *inode, const char *name, char **value);

/* Sets one in the name of a user. What can go wrong is described at the functions in shmap.h that
 * do it. */
int virtual_set(struct inode *inode, uid_t uid, const char *name, const char *value, size_t size);

int virtual_remove(struct inode *inode, uid_t uid, const char *name);

#endif
