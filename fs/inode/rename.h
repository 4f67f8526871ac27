// SPDX-License-Identifier: BSD-2-Clause
/* Renames, and the record of the names that nodes are known by (reopen.h). */
#ifndef SHMAPFS_RENAME_H
#define SHMAPFS_RENAME_H

#include "fs/inode/inode.h"

/* Renames as renameat2(2) does, and updates the records of the names. */
int rename_entry(struct inode *from, const char *name, struct inode *to, const char *new_name,
                 unsigned flags);

/* Updates the records alone, after a rename by a worker that died before it could record it.
 * `source` and `target` are the keys that the names had before. */
void rename_recover(struct inode *from, const char *name, struct inode *to, const char *new_name,
                    unsigned flags, const struct node_key *source, const struct node_key *target);

#endif
