// SPDX-License-Identifier: BSD-2-Clause
/* The threads of a worker that receive requests and serve them. */
#ifndef SHMAPFS_SERVER_H
#define SHMAPFS_SERVER_H

#include "fs/dispatch/leader.h"
#include "fs/dispatch/recovery.h"
#include "fs/util/ticker.h"

/* In memory that lasts as long as the process. */
struct server {
    struct volume *volume;
    struct leaders leaders;
    struct ticker ticker;
    struct recovery recovery; // what they serve first
    int ended; // an eventfd: the last one has ended, or, when they are to leave, the last request
    struct lock lock; // guards the following
    unsigned alive;
    unsigned resent_taken;
    bool taken[REQUESTS]; // records that a thread uses
    atomic_uint busy;     // requests that are being served
    atomic_bool leaving;
};

/* Makes a server of memory that is all zero. */
void server_init(struct server *server, struct volume *volume);

/* Starts the threads. Returns 0 if at least one serves, or a negative errno. */
int server_start(struct server *server);

/* Lets them come to an end with what they serve, in so much time at most, and receive no more. */
void server_leave(struct server *server, int milliseconds);

#endif
