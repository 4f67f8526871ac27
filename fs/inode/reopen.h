// SPDX-License-Identifier: BSD-2-Clause
/*
 * How nodes that lost their descriptor are opened again.
 *
 * By file handle, where the filesystem has them and the daemon the privilege to use them. Otherwise
 * by name: all names change through the mount, so a node with a single name can be known by it, as
 * long as renames are recorded together with their happening. The name is stored in the slot, after
 * its directory's node id; what was opened by it is compared with the node's identity. The kernel
 * knows the directory for as long as it knows what is in it. A name that is too long
 * for the slot is looked for in the directory when it is needed. A file with several names keeps
 * its descriptor.
 */
#ifndef SHMAPFS_HANDLE_H
#define SHMAPFS_HANDLE_H

#include "fs/inode/inode.h"

/* The handle of what `fd` stands for, which has the given name (NULL: none) and attributes. */
void handle_of(const struct inode *parent, const char *name, int fd, const struct statx *stx,
               struct node_handle *handle);

/* Opens (O_PATH) the node of a reference that came without a descriptor. -ESTALE: it is gone. */
int handle_open(struct mount *mount, const struct node_ref *ref);

/* The node is about to get a second name. */
void handle_keep_descriptor(struct inode *inode);

/* Renames as renameat2(2) does, and what is recorded of the names with it. */
int handle_rename(struct inode *from, const char *name, struct inode *to, const char *new_name,
                  unsigned flags);

/* The same for the records alone, of a rename that a process carried out which died before it could
 * record it; by the keys that the names had before. */
void handle_renamed(struct inode *from, const char *name, struct inode *to, const char *new_name,
                    unsigned flags, const struct node_key *source, const struct node_key *target);

#endif
