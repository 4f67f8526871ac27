// SPDX-License-Identifier: BSD-2-Clause
/* Deferred close: closing what was taken off nodes, at once or when there is nothing else to do. */
#ifndef SHMAPFS_DEFERRED_CLOSE_H
#define SHMAPFS_DEFERRED_CLOSE_H

#include "fs/inode/volume.h"

/* Returns 0 or -ENOMEM. */
int deferred_close_init(struct volume *volume);
void deferred_close_destroy(struct volume *volume);

/* Close what was taken off a node; resources_close_both() closes what one call on the node table
 * returned. */
void resources_close(struct volume *volume, const struct node_resources *resources);
void resources_close_both(struct volume *volume, const struct node_resources resources[2]);

/* Defers the closing of what nobody waits for, until there is nothing else to do, or for some
 * milliseconds, or until many are deferred. */
void deferred_close_add(struct volume *volume, const struct node_resources *resources);

/* Closes what was deferred, unless another thread does. It can take as long as a disk wants.
 * Returns how many were closed. */
unsigned deferred_close_run(struct volume *volume);

/* Returns how many closes are deferred. */
unsigned deferred_close_count(const struct volume *volume);

#endif
