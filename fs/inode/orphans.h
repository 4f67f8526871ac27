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

/* Waits until an orphan has gone since `*mark`, while any may be on its way. Returns whether one
 * has gone, and moves the mark on. The caller holds no lock that a RELEASE may need. */
bool orphans_wait(struct volume *volume, unsigned *mark);

/* Does the same, but not for longer than until `end`, as clock_now() has it. */
bool orphans_wait_until(struct volume *volume, unsigned *mark, uint64_t end);

/* Waits for a moment if a file that was closed before `since`, as clock_now() has it, may not be
 * closed here yet: that is known, or its RELEASE may be on its way. Returns 1 then; 0: none is;
 * -EAGAIN: too many threads wait, or it cannot be known. The caller holds no lock that a RELEASE
 * may need. */
int orphans_await_close(struct volume *volume, bool known, uint64_t since);

/* Waits until the only orphans left are in use; later calls do not look at those again. */
void orphans_settle(struct volume *volume);

#endif
