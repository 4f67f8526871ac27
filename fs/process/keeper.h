// SPDX-License-Identifier: BSD-2-Clause
/*
 * The keeper: the process that a mount lives as long as.
 *
 * It serves nothing itself. It starts workers which share its descriptors (clone(2), CLONE_FILES),
 * so that whatever one of them has opened outlives it; one serves, another waits, warm, to take its
 * place. It reads no request, keeps no state but that of its children, and allocates nothing once
 * it runs: there is little that could end it.
 */
#ifndef SHMAPFS_KEEPER_H
#define SHMAPFS_KEEPER_H

#include <signal.h>
#include <stdbool.h>

#include "fs/util/notify.h"
#include "fs/state/state.h"
#include "fs/state/worker_status.h"

struct keeper {
    struct state *state;
    int memfd; // of the state
    struct keeper_fds fds;
    int ready; // for background_ready()
    struct notify notify;

    // The work of a worker; it returns a worker_status.
    int (*work)(void *argument, const struct keeper_fds *fds);
    // Ends the mount in place of a worker, when there is none that could.
    int (*unmount)(void *argument);
    // Lets the mount's descriptors live through execve(2); returns WORKER_ENDED if they do.
    int (*inherit)(void *argument);
    void *argument;
};

/* Makes the descriptors of a keeper, which are the mount's own from then on; one that goes on for
 * another finds them. Returns 0 or a negative errno. */
int keeper_prepare(struct keeper *keeper, const sigset_t *signals);

/* Keeps the mount until it ends, or another process keeps it; returns the exit status of the
 * process. `resumed`: it was kept before, by another binary or another process. */
int keeper_run(struct keeper *keeper, bool resumed);

#endif
