// SPDX-License-Identifier: BSD-2-Clause
/* Control attributes: extended attributes that are not stored but control shmapfs, as a table of
 * what each one does. */
#ifndef SHMAPFS_CONTROL_XATTR_H
#define SHMAPFS_CONTROL_XATTR_H

#include <fuse_lowlevel.h>

#include "fs/inode/inode.h"

/* Returns whether a name is a control attribute, or reserved for one. */
bool control_xattr_is(const char *name);

/* Reads a control attribute for a caller. `value`, for free(), receives the value; returns its
 * length. -ENODATA: there is none by this name here; -EPERM: not for this user. */
ssize_t control_xattr_get(struct inode *inode, const struct fuse_ctx *caller, const char *name,
                          char **value);

/* Sets a control attribute in the name of a user. shmap.h describes the errors, at the functions
 * that set each one. */
int control_xattr_set(struct inode *inode, uid_t uid, const char *name, const char *value,
                      size_t size);

/* Returns whether an attribute that can be removed is there. */
bool control_xattr_is_set(const struct inode *inode, const char *name);

int control_xattr_remove(struct inode *inode, uid_t uid, const char *name);

/* Changes options of a mount as shmap_options_change() describes; in live_options.c. */
int live_options_change(struct volume *volume, const char *lines, bool ask);

#endif
