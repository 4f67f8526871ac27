// SPDX-License-Identifier: BSD-2-Clause
/* The ticker looks after things some hundred times a second, while there is something to look
 * after. An idle mount wakes nobody. */
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

/* Runs the ticker until ticker_end(). `look` looks after things, and says whether there was
 * anything to do since the last time. */
void ticker_run(struct ticker *ticker, bool (*look)(void *argument), void *argument);

void ticker_end(struct ticker *ticker);

/* Wakes the ticker. Callers use ticker_wake(). */
void ticker_begin(struct ticker *ticker);

/* Wakes the ticker if it sleeps: there is something to look after. Call it once look() can see
 * that. It costs next to nothing while the ticker is awake. */
static inline void ticker_wake(struct ticker *ticker)
{
    if (!ticker->awake)
        ticker_begin(ticker);
}

#endif
