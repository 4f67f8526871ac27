// SPDX-License-Identifier: BSD-2-Clause
/*
 * The contents of scratch directories go when a mount begins, and when it ends
 * (lib/class/scratch_place.h). The long part is done by a process of its own, which has nothing
 * of the mount but a directory of the store: neither the mount nor the store's lock waits for it.
 */
#ifndef SHMAPFS_EMPTYING_H
#define SHMAPFS_EMPTYING_H

#include "fs/state/state.h"
#include "lib/area/area.h"

/* Takes away what an earlier mount left, and notes in the state whether the store can have scratch
 * directories from now on. The store's lock is held. */
void emptying_begin(const struct area *store, struct state *state);

/* Takes away what there is, where the state says that there can be something: before the store is
 * synced, so that nothing of it has to be written. */
void emptying_end(const struct area *store, const struct state *state);

#endif
