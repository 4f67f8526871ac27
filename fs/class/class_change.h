// SPDX-License-Identifier: BSD-2-Clause
/* Changes of class: a directory gets another class, or a class root goes. */
#ifndef SHMAPFS_CLASS_CHANGE_H
#define SHMAPFS_CLASS_CHANGE_H

#include "fs/inode/inode.h"

/* Gives a directory a class; with words (not NULL) also an area for itself, as class_limit() does.
 * -ENOTDIR; -ENOTEMPTY; -EINVAL: not here; -EOPNOTSUPP: the mount cannot have it. */
int class_assign(struct inode *directory, enum shmap_class word, const struct area_words *words);

/* Changes the area that a class root has for itself, or gives it one. -EINVAL: it is no class root
 * with its contents in RAM, or an area to be made has no size; -ENOTEMPTY: it has entries, and no
 * area; -EBUSY: what is in use does not allow it; -EUSERS: the mount has as many areas as it can
 * have; -EOPNOTSUPP: the kernel does not have it. */
int class_limit(struct inode *directory, const struct area_words *words);

/* Drops the contents of a class root whose name is gone. */
void class_root_gone(struct inode *class_root);

#endif
