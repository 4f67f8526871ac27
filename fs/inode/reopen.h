// SPDX-License-Identifier: BSD-2-Clause
/*
 * Nodes that lost their descriptor are opened again.
 *
 * By file handle, where the filesystem has them and the daemon the privilege to use them. Otherwise
 * by name: all names change through the mount, so a node with a single name can be known by it, as
 * long as renames are recorded together with their happening. The name is stored in the slot, after
 * its directory's node id; what was opened by it is compared with the node's identity. The kernel
 * knows the directory for as long as it knows what is in it. A name that is too long
 * for the slot is looked for in the directory when it is needed. A file with several names keeps
 * its descriptor.
 */
#ifndef SHMAPFS_REOPEN_H
#define SHMAPFS_REOPEN_H

#include <sys/stat.h>

#include "fs/inode/volume.h"

/* Returns 0 or -ENOMEM. */
int reopen_init(struct volume *volume);
void reopen_destroy(struct volume *volume);

/* The handle of what `fd` stands for, which has the given attributes and, in the directory
 * `parent`, the given name (NULL: none). */
void reopen_handle_of(struct volume *volume, const struct node_ref *parent, const char *name,
                      int fd, const struct statx *stx, struct node_handle *handle);

/* Opens (O_PATH) the node of a reference that came without a descriptor. -ESTALE: it is gone. */
int reopen_node(struct volume *volume, const struct node_ref *ref);

/* The node is about to get a second name: where names are what nodes are known by, it keeps its
 * descriptor. */
void reopen_never(struct volume *volume, struct node_ref *ref);

/* Around a change of names, together with the record of it: nodes are not opened by name. */
void reopen_begin_rename(struct volume *volume);
void reopen_end_rename(struct volume *volume);

/* In between: records the new name of a node that is known by its name. */
void reopen_record_name(struct volume *volume, struct node_ref *ref,
                        const struct node_ref *directory, const char *name);

#endif
