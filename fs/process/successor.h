// SPDX-License-Identifier: BSD-2-Clause
/*
 * The keeper of a mount after this process, or after this binary. It is found by the memory of the
 * mount and by the descriptors that are left open, and told nothing else. Nothing is allocated.
 */
#ifndef SHMAPFS_SUCCESSOR_H
#define SHMAPFS_SUCCESSOR_H

#include "fs/process/keeper_state.h"

/* Becomes the binary that is to go on. `ending`, `moving`: it is still to hear of that. Returns when
 * it failed. */
void successor_upgrade(struct keeper *keeper, struct children *children, bool ending, bool moving);

/* Has a new process keep the mount, with the same binary. Returns when that failed, in the process
 * that keeps it then: true, if that is the new one. */
bool successor_replace(struct keeper *keeper, struct children *children);

#endif
