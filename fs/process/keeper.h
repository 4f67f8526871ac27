// SPDX-License-Identifier: BSD-2-Clause
/*
 * The keeper: the process that lives as long as its mount.
 *
 * It serves nothing itself. It starts workers which share its descriptors (clone(2), CLONE_FILES),
 * so that whatever one of them has opened outlives it; one serves, another waits, warm, to take its
 * place. The keeper reads no request, keeps no state but that of its children, and allocates
 * nothing once it runs: there is little that could end it.
 */
#ifndef SHMAPFS_KEEPER_H
#define SHMAPFS_KEEPER_H

#include <signal.h>
#include <stdbool.h>

#include "fs/process/keeper_state.h"

/* Makes the descriptors of a keeper, which are the mount's own from then on; a keeper that goes on
 * for another finds them. Returns 0 or a negative errno. */
int keeper_prepare(struct keeper *keeper, const sigset_t *signals);

/* Keeps the mount until it ends, or another process keeps it. Returns the exit status of the
 * process. `resumed`: the mount was kept before, by another binary. */
int keeper_run(struct keeper *keeper, bool resumed);

#endif
