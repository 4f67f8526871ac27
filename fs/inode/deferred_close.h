// SPDX-License-Identifier: BSD-2-Clause
/* Closing what was taken off nodes: at once, or when there is nothing else to do. */
#ifndef SHMAPFS_DEFERRED_CLOSE_H
#define SHMAPFS_DEFERRED_CLOSE_H

#include "fs/inode/volume.h"

/* Returns 0 or -ENOMEM. */
int deferred_close_init(struct volume *volume);
void deferred_close_destroy(struct volume *volume);

/* Closes what was taken off a node; of one call on the node table, both. */
void resources_close(struct volume *volume, const struct node_resources *resources);
void resources_close_both(struct volume *volume, const struct node_resources resources[2]);

/* Closes what nobody waits for when there is nothing else to do, or milliseconds later, or when it
 * has become much. */
void deferred_close_add(struct volume *volume, const struct node_resources *resources);

/* Closes what was deferred. `wait`: also what another thread is about to close. */
void deferred_close_run(struct volume *volume, bool wait);

/* How many are deferred. */
unsigned deferred_close_count(const struct volume *volume);

#endif
