// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/request_pool.h"

void request_pool_init(struct request_pool *pool, struct state *state)
{
    pool->state = state;
    lock_init(&pool->lock, LOCK_RECORDS);
}

struct request *request_pool_find(struct request_pool *pool, uint64_t unique)
{
    for (int i = 0; i < REQUESTS; i++) {
        struct request *request = &pool->state->requests[i];

        if (request_state(request) != REQUEST_FREE && request->unique == (unique & ~REQUEST_RESENT))
            return request;
    }
    return NULL;
}

struct request *request_pool_acquire(struct request_pool *pool)
{
    struct request *found = NULL;

    lock_take(&pool->lock);
    for (int i = 0; i < REQUESTS && !found; i++) {
        if (pool->taken[i] || request_state(&pool->state->requests[i]) != REQUEST_FREE)
            continue;
        pool->taken[i] = true;
        found = &pool->state->requests[i];
    }
    lock_release(&pool->lock);
    return found;
}

static void set_taken(struct request_pool *pool, const struct request *request, bool taken)
{
    lock_take(&pool->lock);
    pool->taken[state_index(pool->state, request)] = taken;
    lock_release(&pool->lock);
}

void request_pool_reserve(struct request_pool *pool, const struct request *request)
{
    set_taken(pool, request, true);
}

void request_pool_release(struct request_pool *pool, const struct request *request)
{
    set_taken(pool, request, false);
}
