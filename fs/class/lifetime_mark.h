// SPDX-License-Identifier: BSD-2-Clause
/* The mark of a directory for the lifetime of what is made in it. */
#ifndef SHMAPFS_LIFETIME_MARK_H
#define SHMAPFS_LIFETIME_MARK_H

#include "fs/inode/inode.h"
#include "lib/class/lifetime.h"

/* Gives a directory a lifetime for what is made in it from now on, also in the store, as far as it
 * is kept there. -ENOTDIR; -EINVAL: its files last; -EOPNOTSUPP: nothing tells here when a file has
 * lost its last user. */
int lifetime_mark(struct inode *directory, const struct shmap_lifetime *lifetime);

#endif
