// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reopening nodes that lost their descriptor.
 *
 * A node is opened by file handle, where the filesystem has them and the daemon the privilege to
 * use them. Otherwise it is opened by name: all names change through the mount, so a node with a
 * single name can be known by it, as long as each rename is recorded together with its happening.
 * The slot stores the name after the node id of its directory; what was opened by it is compared
 * with the node's identity. The kernel knows a directory for as long as it knows what is in it. A
 * name that is too long for the slot is searched for in the directory when it is needed. A file
 * with several names keeps its descriptor.
 */
#ifndef SHMAPFS_REOPEN_H
#define SHMAPFS_REOPEN_H

#include <sys/stat.h>

#include "fs/inode/volume.h"

/* Returns 0 or -ENOMEM. */
int reopen_init(struct volume *volume);
void reopen_destroy(struct volume *volume);

/* Makes the handle of what `fd` stands for, which has the given attributes and, in the directory
 * `parent`, the given name (NULL: none). */
void reopen_handle_of(struct volume *volume, const struct node_ref *parent, const char *name,
                      int fd, const struct statx *stx, struct node_handle *handle);

/* Opens (O_PATH) the node of a reference that came without a descriptor. -ESTALE: the node is
 * gone. */
int reopen_node(struct volume *volume, const struct node_ref *ref);

/* Parts the node of a key from what a lookup has found by that key, where another host has put
 * another object in its place: from now on no lookup finds the node. */
void reopen_part(struct volume *volume, const struct node_seed *seed);

/* Brings a node that a lookup has found on a store of several hosts up to date: how it is opened
 * again, and its descriptor, in place of which comes a copy of `fd` (-1: it is that already). The
 * old one may be stale. */
void reopen_follow(struct volume *volume, struct node_ref *ref, const struct node_seed *seed,
                   int fd);

/* Tells whether its handle opens a node even after its last name went, while anything else keeps
 * the object. Each area is tried once. The node has just lost its name, and has its descriptor. */
bool reopen_without_name(struct volume *volume, const struct node_ref *ref);

/* Makes a node that is about to get a second name keep its descriptor, where nodes are known by
 * name. */
void reopen_never(struct volume *volume, struct node_ref *ref);

/* Begin and end a change of names in an area together with its record: meanwhile no node of it is
 * opened by name. */
void reopen_begin_rename(struct volume *volume, unsigned area);
void reopen_end_rename(struct volume *volume, unsigned area);

/* Records the new name of a node that is known by its name. Call it between the two above. */
void reopen_record_name(struct volume *volume, struct node_ref *ref,
                        const struct node_ref *directory, const char *name);

#endif
