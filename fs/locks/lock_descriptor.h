// SPDX-License-Identifier: BSD-2-Clause
/* The locks that one owner has on the area's own file, and the descriptor that they belong to. The
 * caller holds the file's lock (locked_files.h). Functions return 0 or a negative errno. */
#ifndef SHMAPFS_LOCK_DESCRIPTOR_H
#define SHMAPFS_LOCK_DESCRIPTOR_H

#include "fs/locks/locked_files.h"

/* Takes a lock or gives it up. -EAGAIN: somebody else has it; -ENOLCK: there are too many
 * owners. */
int lock_descriptor_set(struct volume *volume, const struct lock_request *request);

/* Finds a lock of somebody else's; its process is that of another host, or not known. */
int lock_descriptor_test(struct volume *volume, const struct lock_request *request,
                         struct flock *found);

/* Gives up all locks of an entry, and the entry. */
void lock_descriptor_close(struct volume *volume, struct lock_entry *entry);

#endif
