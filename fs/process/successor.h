// SPDX-License-Identifier: BSD-2-Clause
/*
 * The successor: the keeper of a mount after this process, or after this binary.
 *
 * A successor finds the mount by its memory and by the descriptors that are left open, and is told
 * nothing else. Nothing is allocated.
 */
#ifndef SHMAPFS_SUCCESSOR_H
#define SHMAPFS_SUCCESSOR_H

#include "fs/process/keeper_state.h"

/* Becomes the binary that is to go on. `ending`, `moving`: that binary is still to hear of this.
 * Returns if it fails. */
void successor_upgrade(struct keeper *keeper, struct children *children, bool ending, bool moving);

/* Has a new process keep the mount, with the same binary. Returns if that fails, in whichever
 * process keeps the mount then: true in the new one. */
bool successor_replace(struct keeper *keeper, struct children *children);

#endif
