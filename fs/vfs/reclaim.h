// SPDX-License-Identifier: BSD-2-Clause
/*
 * Space that is about to come back.
 *
 * A file that was removed, and is not in use, gives its space back when the daemon has served the
 * kernel's RELEASE and FORGET of it, which no program waits for. Meanwhile another request may find
 * the area full. So a call that can be full is tried again when an orphan went:
 *
 *     unsigned mark = space_mark(mount);
 *     do
 *         error = …;
 *     while (error == -ENOSPC && space_comes(mount, &mark));
 *
 * Passthrough writes are not calls of the daemon's; for them an open for writing is the last chance
 * to wait, when the area is nearly full.
 */
#ifndef SHMAPFS_SPACE_H
#define SHMAPFS_SPACE_H

#include "fs/mount/mount.h"

/* How many orphans went so far; to be asked before the call. */
unsigned space_mark(struct mount *mount);

/* Whether one went since the mark, which is moved on; waits for it, but not long, while there are
 * any. */
bool space_comes(struct mount *mount, unsigned *mark);

/* Before an open for writing through passthrough: waits, not long, for orphans to go if space in
 * the area is short. Orphans that are really in use are waited for once. */
void space_settle(struct mount *mount, const struct area *area);

/* What an orphan held is closed. */
void space_came(struct mount *mount);

#endif
