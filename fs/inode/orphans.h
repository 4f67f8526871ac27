// SPDX-License-Identifier: BSD-2-Clause
/*
 * Orphans: nodes that lost their last name, until what they held is closed. Only then their space
 * comes back, and a request that needs space can wait for it (fs/vfs/reclaim.h).
 *
 * So it is with descriptors: an orphan keeps one until its FORGET, because somebody may use the
 * file. On a busy machine FORGETs can be served later than orphans are made, most of all over
 * io_uring, where another thread receives them. A request that finds no descriptor waits for an
 * orphan to go.
 */
#ifndef SHMAPFS_ORPHANS_H
#define SHMAPFS_ORPHANS_H

#include "fs/inode/volume.h"

/* Returns 0 or -ENOMEM. */
int orphans_init(struct volume *volume);
void orphans_destroy(struct volume *volume);

/* Notes that what an orphan held is closed. */
void orphans_one_gone(struct volume *volume);

/* Returns how many orphans have gone so far. */
unsigned orphans_gone(struct volume *volume);

/* Waits, but not long and only while there are orphans, until one has gone since `*mark`. Returns
 * whether one has, and moves the mark on. */
bool orphans_wait(struct volume *volume, unsigned *mark);

/* Does the same for a call that found no descriptor; or, if none is `missing`, one of the last. It
 * waits longer, as long as such waits are of use. The caller holds no lock that a RELEASE may
 * need. */
bool orphans_wait_for_descriptor(struct volume *volume, unsigned mark, bool missing);

/* Waits, but not long, until the only orphans left are really in use. A wait in vain shows that
 * they are; later calls do not wait for those again. */
void orphans_settle(struct volume *volume);

#endif
