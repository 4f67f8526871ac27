// SPDX-License-Identifier: BSD-2-Clause
/* The names that anon= and scratch= gave: as long as the mount lives, a directory that gets one of
 * them has that class. */
#ifndef SHMAPFS_ANON_NAMES_H
#define SHMAPFS_ANON_NAMES_H

#include "fs/inode/inode.h"

/* Gives a directory that was just made the class that its name has, if any. The kernel does not
 * know of it yet. Returns 1 if it gave one, 0 if there is none, or a negative errno. */
int anon_names_mark_new(struct inode *dir, const char *name);

/* Checks that a rename gives no such name to a directory of another class, either to itself or to
 * one below it. -EXDEV: it would; who copies instead makes the directory anew. */
int anon_names_check_rename(struct inode *from, const char *name, struct inode *to,
                            const char *new_name);

#endif
