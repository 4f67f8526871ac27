// SPDX-License-Identifier: BSD-2-Clause
/* Where the class changes: a directory gets another one, or goes. */
#ifndef SHMAPFS_CLASS_CHANGE_H
#define SHMAPFS_CLASS_CHANGE_H

#include "fs/inode/inode.h"

/* Gives a directory a class. -ENOTDIR; -ENOTEMPTY; -EINVAL: not here; -EOPNOTSUPP: the class has
 * only its word. */
int class_assign(struct inode *directory, enum shmap_class word);

/* The name of a class root is gone. */
void class_root_gone(struct inode *class_root);

#endif
