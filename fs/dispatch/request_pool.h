// SPDX-License-Identifier: BSD-2-Clause
/* The records of requests, and which of them a thread has. */
#ifndef SHMAPFS_REQUEST_POOL_H
#define SHMAPFS_REQUEST_POOL_H

#include "fs/state/state.h"
#include "fs/util/lock.h"

struct request_pool {
    struct state *state;
    struct lock lock; // guards the following
    bool taken[REQUESTS];
};

void request_pool_init(struct request_pool *pool, struct state *state);

/* Returns the record of a request under way, by the kernel's number with or without the mark of a
 * request that comes again; NULL: it has none. */
struct request *request_pool_find(struct request_pool *pool, uint64_t unique);

/* Takes a free record; NULL: there is none. */
struct request *request_pool_acquire(struct request_pool *pool);

/* Takes a record that is in use, so that it is nobody else's when its request ends. */
void request_pool_reserve(struct request_pool *pool, const struct request *request);

/* Gives back a record that was taken. */
void request_pool_release(struct request_pool *pool, const struct request *request);

#endif
