// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reclaim: waiting for space that is about to come back.
 *
 * A file that was removed, and is not in use, gives its space back when the daemon has served the
 * kernel's RELEASE and FORGET of it, which no program waits for. Meanwhile another request may find
 * the area full. So a call that can find it full is tried again when an orphan has gone:
 *
 *     unsigned mark = reclaim_mark(volume);
 *     do
 *         error = …;
 *     while (error == -ENOSPC && reclaim_wait(volume, &mark));
 *
 * The daemon does not see passthrough writes. For them an open for writing is the last chance to
 * wait, when the area is nearly full.
 */
#ifndef SHMAPFS_RECLAIM_H
#define SHMAPFS_RECLAIM_H

#include "fs/inode/volume.h"

/* Returns how many orphans have gone so far. Call it before the call that is tried. */
unsigned reclaim_mark(struct volume *volume);

/* Waits, only while an orphan may be about to go, until one has gone since the mark. Returns
 * whether one has, and moves the mark on. */
bool reclaim_wait(struct volume *volume, unsigned *mark);

/* Waits for the orphans that are about to go if space in the area is short. Call it at an open for
 * writing through passthrough. Orphans that are really in use are waited for only once. */
void reclaim_settle(struct volume *volume, const struct area *area);

#endif
