// SPDX-License-Identifier: BSD-2-Clause
#include "fs/util/ticker.h"

#include <errno.h>

#include "fs/util/clock.h"

#define TICK_NANOSECONDS 2000000L

/* After this many ticks without anything to do the ticker goes to sleep; waking it is not for
 * free. */
#define QUIET_TICKS 25

void ticker_init(struct ticker *ticker)
{
    lock_init(&ticker->lock, LOCK_TICKER);
    lock_condition_init(&ticker->woken);
}

void ticker_begin(struct ticker *ticker)
{
    lock_take(&ticker->lock);
    ticker->awake = true;
    pthread_cond_signal(&ticker->woken);
    lock_release(&ticker->lock);
}

void ticker_end(struct ticker *ticker)
{
    ticker->over = true;
    ticker_begin(ticker);
}

static void wait_until_woken(struct ticker *ticker)
{
    lock_take(&ticker->lock);
    while (!ticker->awake)
        lock_wait(&ticker->lock, &ticker->woken);
    lock_release(&ticker->lock);
}

static void wait_for_tick(struct ticker *ticker)
{
    struct timespec until = clock_deadline(TICK_NANOSECONDS);

    lock_take(&ticker->lock);
    while (lock_wait_until(&ticker->lock, &ticker->woken, &until) != ETIMEDOUT)
        ;
    lock_release(&ticker->lock);
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
        // A caller of ticker_wake() between the last look and this line has relied on `awake`.
        if (look(argument))
            ticker->awake = true;
    }
}
