// SPDX-License-Identifier: BSD-2-Clause
/* The keeper: what it is given, and its state. */
#ifndef SHMAPFS_KEEPER_STATE_H
#define SHMAPFS_KEEPER_STATE_H

#include "fs/process/children.h"
#include "fs/process/crash_loop.h"
#include "fs/process/watchdog.h"
#include "fs/state/state.h"
#include "fs/util/notify.h"
#include "lib/process/parent.h"

struct keeper {
    struct state *state;
    int memfd; // of the state
    struct keeper_fds fds;
    int device; // the FUSE connection
    int ready;  // for background_ready()
    struct notify notify;
    struct parent parent;

    // The work of a worker; it returns a worker_status.
    int (*work)(void *argument, const struct keeper_fds *fds);
    // Ends the mount in place of a worker, when there is none that could.
    int (*unmount)(void *argument);
    // Ends the store when nobody serves the mount any more; takes as long as the disk does.
    int (*end_store)(void *argument);
    // Says so when that takes long.
    void (*tell_of_store)(void *argument);
    // Ends the keeper's part of the connection.
    void (*disconnect)(void *argument);
    // Lets the mount's descriptors live through execve(2); returns WORKER_ENDED if they do.
    int (*inherit)(void *argument);
    void *argument;
};

struct keeper_state {
    struct keeper *keeper;
    struct children children;
    bool served;    // the active worker has begun to serve
    bool ready;     // some worker has begun to serve
    bool ending;    // the mount is to end
    bool moving;    // another process is to keep the mount
    bool stuck;     // the active worker was stuck, and was killed
    bool upgraded;  // after an upgrade that the manager has not heard of
    int status;     // the exit status; -1: not yet known
    unsigned tries; // failures in a row to start a worker that serves
    struct crash_loop crash_loop;
    struct watchdog watchdog; // of the active worker
};

#endif
