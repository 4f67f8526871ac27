// SPDX-License-Identifier: BSD-2-Clause
/*
 * A worker: the process whose threads serve the requests of a mount. It works by itself (-f), or is
 * one of many in a row that a keeper starts.
 */
#ifndef SHMAPFS_WORKER_H
#define SHMAPFS_WORKER_H

#include "fs/mount/mount.h"
#include "fs/state/worker_status.h"

/* Serves until the mount is gone, a signal ends the worker, or another binary is to go on. With a
 * `keeper` the worker waits for the word to begin, and recovers what the worker before it has left;
 * with NULL it begins at once, and `ready` is for background_ready(). Returns a worker_status.
 * Unless that is WORKER_ENDED the process must end at once. */
int worker_run(struct mount *mount, const struct keeper_fds *keeper, int signals, int ready);

/* Lets the mount's descriptors live through execve(2). For a process that executes another binary
 * when no worker is left. Returns WORKER_ENDED, or another worker_status. */
int worker_inherit(struct mount *mount);

#endif
