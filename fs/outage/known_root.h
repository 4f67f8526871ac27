// SPDX-License-Identifier: BSD-2-Clause
/*
 * Class roots that are known by their names while the store is silent, so that anonymous
 * directories can be reached although the kernel does not trust their names any more.
 *
 * The node of a class root keeps the directory of the store that has its name, and the kernel tells
 * that one's path without asking the store. So nothing is noted beforehand.
 */
#ifndef SHMAPFS_KNOWN_ROOT_H
#define SHMAPFS_KNOWN_ROOT_H

#include "fs/inode/inode.h"

/* The longest name that is looked for, with its NUL. */
#define KNOWN_ROOT_NAME_MAX 64

/* Returns the id of the class root that has a name in a directory of the store, if it is known and
 * its contents are in RAM; 0: it is not. `name` need not end within KNOWN_ROOT_NAME_MAX bytes. */
uint64_t known_root_find(struct volume *volume, uint64_t directory, const char *name);

/* Counts a lookup of the kernel for such a class root. Returns 0 or a negative errno. */
int known_root_look_up(struct volume *volume, uint64_t id, struct inode *inode, struct statx *stx);

#endif
