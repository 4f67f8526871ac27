// SPDX-License-Identifier: BSD-2-Clause
/*
 * A worker: the process whose threads serve the requests of a mount. By itself (-f), or one of many
 * in a row, started by a keeper.
 */
#ifndef SHMAPFS_WORKER_H
#define SHMAPFS_WORKER_H

#include "fs/mount/mount.h"
#include "fs/state/worker_status.h"

/* Serves until the mount is gone, a signal ends it, or another binary is to go on. `keeper`: waits
 * for its word to begin, and takes over what the one before has left; NULL: begins at once, and
 * `ready` is for background_ready(). Returns a worker_status. Unless that is WORKER_ENDED the process
 * is to end at once. */
int worker_run(struct mount *mount, const struct keeper_fds *keeper, int signals, int ready);

/* For a process that executes another binary, when no worker is left: lets the mount's descriptors
 * live through that. Returns WORKER_ENDED, or another worker_status. */
int worker_inherit(struct mount *mount);

#endif
