// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/ticker.h"

#include <errno.h>

#include "fs/util/clock.h"

#define TICK_NANOSECONDS 2000000L

/* After so many without anything to look after it goes to sleep; waking it is not for free. */
#define QUIET_TICKS 25

void ticker_init(struct ticker *ticker)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&ticker->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ticker->woken, &attributes);
    pthread_condattr_destroy(&attributes);
}

void ticker_begin(struct ticker *ticker)
{
    pthread_mutex_lock(&ticker->mutex);
    ticker->awake = true;
    pthread_cond_signal(&ticker->woken);
    pthread_mutex_unlock(&ticker->mutex);
}

void ticker_end(struct ticker *ticker)
{
    ticker->over = true;
    ticker_begin(ticker);
}

static void wait_until_woken(struct ticker *ticker)
{
    pthread_mutex_lock(&ticker->mutex);
    while (!ticker->awake)
        pthread_cond_wait(&ticker->woken, &ticker->mutex);
    pthread_mutex_unlock(&ticker->mutex);
}

static void wait_for_tick(struct ticker *ticker)
{
    struct timespec until = clock_deadline(TICK_NANOSECONDS);

    pthread_mutex_lock(&ticker->mutex);
    while (pthread_cond_timedwait(&ticker->woken, &ticker->mutex, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&ticker->mutex);
}

void ticker_run(struct ticker *ticker, bool (*look)(void *argument), void *argument)
{
    while (!ticker->over) {
        int quiet = 0;

        wait_until_woken(ticker);
        while (quiet < QUIET_TICKS && !ticker->over) {
            wait_for_tick(ticker);
            quiet = look(argument) ? 0 : quiet + 1;
        }
        ticker->awake = false;
        // Who came between the last look and this has relied on it.
        if (look(argument))
            ticker->awake = true;
    }
}
