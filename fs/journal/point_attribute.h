// SPDX-License-Identifier: BSD-2-Clause
/* The attributes that begin with SHMAP_XATTR_POINT (lib/api/point.h), by which a client reads all
 * files as they were committed at one moment. */
#ifndef SHMAPFS_POINT_ATTRIBUTE_H
#define SHMAPFS_POINT_ATTRIBUTE_H

#include "fs/inode/inode.h"

/* Returns whether a name is one of them. */
bool point_attribute_is(const char *name);

/* Does what the name says, for a user and his process (0: unknown). `value`, for free(), receives
 * the answer; returns its length or a negative errno. -ENODATA: there is none by this name here;
 * otherwise shmap_point_take() and shmap_point_read() describe the errors. */
ssize_t point_attribute_get(struct inode *inode, uid_t uid, pid_t pid, const char *name,
                            char **value);

#endif
