// SPDX-License-Identifier: BSD-2-Clause
/* The server: the threads of a worker that receive requests and serve them. */
#ifndef SHMAPFS_SERVER_H
#define SHMAPFS_SERVER_H

#include "fs/dispatch/leader.h"
#include "fs/dispatch/recovery.h"
#include "fs/dispatch/store_waits.h"
#include "fs/util/ticker.h"

/* A server, in memory that lasts as long as the process. */
struct server {
    struct volume *volume;
    struct request_pool pool;
    struct admission admission;
    struct leaders leaders;
    struct ticker ticker;
    struct store_waits waits; // of the ticker
    struct recovery recovery; // the requests that the threads serve first
    // eventfd: the last thread has ended, or is stuck; after server_leave(), the last request.
    int ended;
    struct lock lock; // guards the following
    unsigned alive;
    unsigned resent_taken;
    atomic_bool leaving;
    atomic_bool close_soon;      // closes have been deferred for some milliseconds
    _Atomic uint64_t gone_since; // when the connection ended; 0: it has not
    atomic_bool stuck;           // threads did not come to an end after that
};

/* Initialises a server whose memory is all zero. */
void server_init(struct server *server, struct volume *volume);

/* Recovers what an earlier process left, in a thread of its own if there can be one: that may serve
 * requests in the names of others, and after a change of credentials the kernel would not continue
 * the calling thread at the end of the keeper. Returns 0 or a negative errno. */
int server_recover(struct server *server);

/* Starts the threads. Returns 0 if at least one serves, or a negative errno. */
int server_start(struct server *server);

/* Makes the threads receive no more, and waits, for so long at most, until they have served what
 * they have. */
void server_leave(struct server *server, int milliseconds);

/* Does the same when the connection has ended. Returns whether nothing is served any more, nor will
 * be. */
bool server_serves_nothing(struct server *server);

#endif
