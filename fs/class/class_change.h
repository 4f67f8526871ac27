// SPDX-License-Identifier: BSD-2-Clause
/* Changes of class: a directory gets another class, or a class root goes. */
#ifndef SHMAPFS_CLASS_CHANGE_H
#define SHMAPFS_CLASS_CHANGE_H

#include "fs/inode/inode.h"

/* Gives a directory a class. -ENOTDIR; -ENOTEMPTY; -EINVAL: not here; -EOPNOTSUPP: the class has
 * only its word. */
int class_assign(struct inode *directory, enum shmap_class word);

/* Drops the contents of a class root whose name is gone. */
void class_root_gone(struct inode *class_root);

#endif
