// SPDX-License-Identifier: BSD-2-Clause
/*
 * The class of a single file in a directory of the store, where it is not that of the directory
 * (lib/class/file_mark.h). It changes when nobody uses the file: at once, or after the last close.
 * Until then the file is what it was, and both classes are known.
 *
 * The contents are brought to where the new class keeps them without a lock, and whoever opens the
 * file meanwhile has that given up (fs/switch/class_switch.h). The marks change last, one after the
 * other, so that after a death at any moment the file has one class or the other, with all that
 * this one kept; what the old one kept goes after that.
 */
#ifndef SHMAPFS_FILE_CLASS_H
#define SHMAPFS_FILE_CLASS_H

#include "fs/inode/inode.h"

/* Gives a file a class, or has it get that later. -ENOTDIR: it is in a directory whose files do not
 * last; -EINVAL: the class is none that a single file can have; -EOPNOTSUPP; -ENOSPC: the contents
 * do not fit; then nothing has changed. */
int file_class_assign(struct inode *inode, enum shmap_class word);

/* Returns whether a file has a class of its own, or is to get one. */
bool file_class_is_own(const struct inode *inode);

/* Gives such a file the class of its directory back, as file_class_assign() does. */
int file_class_remove(struct inode *inode);

/* Finds the class that a file is to get, as a word for free(); -ENODATA: it stays what it is. */
int file_class_get_next(struct inode *inode, char **value);

/* Changes the class of a file that is to get another one, if nobody uses it. */
void file_class_settle(struct inode *inode);

#endif
