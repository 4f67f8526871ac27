// SPDX-License-Identifier: BSD-2-Clause
#ifndef SHMAPFS_WORKER_STATUS_H
#define SHMAPFS_WORKER_STATUS_H

/* The exit status of a worker that no signal ended. */
enum worker_status {
    WORKER_ENDED,         // the mount is gone, and nothing serves it any more
    WORKER_FAILED,        // the worker cannot serve, and has said why
    WORKER_DETACHED = 62, // the mount was taken away on a signal; threads may be serving still
    WORKER_DAMAGED = 63,  // the memory is damaged; the worker has said so, and taken the mount away
    WORKER_HANDOVER = 64, // another binary is to go on: state->upgrade.binary
    WORKER_RENEWED = 66,  // another worker is to go on, with the store as it is mounted now
    WORKER_YIELDED = 65,  // another process is to keep the mount, as the keeper has asked
};

#endif
