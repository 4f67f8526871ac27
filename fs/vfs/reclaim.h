// SPDX-License-Identifier: BSD-2-Clause
/*
 * Space that is about to come back.
 *
 * A file that was removed, and is not in use, gives its space back when the daemon has served the
 * kernel's RELEASE and FORGET of it, which no program waits for. Meanwhile another request may find
 * the area full. So a call that can be full is tried again when an orphan went:
 *
 *     unsigned mark = reclaim_mark(volume);
 *     do
 *         error = …;
 *     while (error == -ENOSPC && reclaim_wait(volume, &mark));
 *
 * Passthrough writes are not calls of the daemon's; for them an open for writing is the last chance
 * to wait, when the area is nearly full.
 */
#ifndef SHMAPFS_RECLAIM_H
#define SHMAPFS_RECLAIM_H

#include "fs/inode/volume.h"

/* How many orphans went so far; to be asked before the call. */
unsigned reclaim_mark(struct volume *volume);

/* Whether one went since the mark, which is moved on; waits for it, but not long, while there are
 * any. */
bool reclaim_wait(struct volume *volume, unsigned *mark);

/* Before an open for writing through passthrough: waits, not long, for orphans to go if space in
 * the area is short. Orphans that are really in use are waited for once. */
void reclaim_settle(struct volume *volume, const struct area *area);

#endif
