// SPDX-License-Identifier: BSD-2-Clause
/* The threads of a worker that receive requests and serve them. */
#ifndef SHMAPFS_THREADS_H
#define SHMAPFS_THREADS_H

#include "fs/dispatch/recovery.h"

/* All zero before, but for `takeover`; in memory that lasts as long as the process. */
struct threads {
    struct mount *mount;
    struct takeover takeover; // what they serve first
    int ended; // an eventfd: the last one has ended, or, when they are to leave, the last request
    pthread_mutex_t mutex; // guards the following
    unsigned alive;
    unsigned claims_taken;
    bool taken[REQUESTS]; // records that a thread uses
    atomic_uint busy;     // requests that are being served
    atomic_bool leaving;
};

/* Returns 0 if at least one serves, or a negative errno. */
int threads_start(struct threads *threads, struct mount *mount);

/* Lets them come to an end with what they serve, in so much time at most, and receive no more. */
void threads_leave(struct threads *threads, int milliseconds);

#endif
