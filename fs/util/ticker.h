// SPDX-License-Identifier: BSD-2-Clause
/* Looks after things some hundred times a second while there is something to look after. An idle
 * mount wakes nobody. */
#ifndef SHMAPFS_TICKER_H
#define SHMAPFS_TICKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "fs/util/lock.h"

struct ticker {
    struct lock lock;
    pthread_cond_t woken;
    atomic_bool awake;
    atomic_bool over;
};

void ticker_init(struct ticker *ticker);

/* Returns after ticker_end(). `look` looks after things, and says whether there was anything since
 * the last time. */
void ticker_run(struct ticker *ticker, bool (*look)(void *argument), void *argument);

void ticker_end(struct ticker *ticker);

/* Wakes it; ticker_wake() is the one to call. */
void ticker_begin(struct ticker *ticker);

/* There is something to look after. To be called when that can be seen by look(); costs next to
 * nothing while the ticker is awake. */
static inline void ticker_wake(struct ticker *ticker)
{
    if (!ticker->awake)
        ticker_begin(ticker);
}

#endif
