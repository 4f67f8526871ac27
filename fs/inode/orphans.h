// SPDX-License-Identifier: BSD-2-Clause
/*
 * Orphans: nodes that lost their last name, until what they held is closed. Their space comes back
 * with that, and whoever needs space can wait for it (fs/vfs/reclaim.h).
 */
#ifndef SHMAPFS_ORPHANS_H
#define SHMAPFS_ORPHANS_H

#include "fs/inode/volume.h"

/* Returns 0 or -ENOMEM. */
int orphans_init(struct volume *volume);
void orphans_destroy(struct volume *volume);

/* What an orphan held is closed. */
void orphans_one_gone(struct volume *volume);

/* How many have gone so far. */
unsigned orphans_gone(struct volume *volume);

/* Whether one has gone since there were `*mark`, which is moved on; waits for that, but not long,
 * while there are any. */
bool orphans_wait(struct volume *volume, unsigned *mark);

/* Waits, not long, until there are none but those that are really in use. That they are shows by
 * waiting in vain: once. */
void orphans_settle(struct volume *volume);

#endif
