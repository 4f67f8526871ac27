// SPDX-License-Identifier: BSD-2-Clause
/* The attributes by which programs look at areas of directories and change them: SHMAP_XATTR_AREA,
 * SHMAP_XATTR_AREAS, and the words that may follow the class in SHMAP_XATTR_CLASS. */
#ifndef SHMAPFS_AREA_ATTRIBUTE_H
#define SHMAPFS_AREA_ATTRIBUTE_H

#include "fs/inode/inode.h"

/* Read the words of a class root, and all areas of the mount, for free(). Return 0 or a negative
 * errno; -ENODATA: it is no class root with an area for itself. */
int area_attribute_get(struct inode *inode, char **value);
int area_attribute_list(struct inode *inode, char **value);

/* Changes the area of a class root. Returns 0 or a negative errno as class_limit() does. */
int area_attribute_set(struct inode *inode, const char *value, size_t size);

/* Gives a directory a class, and an area if words follow it after a comma. Returns 0 or a negative
 * errno as class_assign() does. */
int area_attribute_set_class(struct inode *inode, const char *value, size_t size);

/* Returns whether words follow a class. */
bool area_attribute_limits(const char *value, size_t size);

#endif
