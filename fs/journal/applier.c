// SPDX-License-Identifier: BSD-2-Clause
#include "fs/journal/applier.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "fs/util/clock.h"
#include "fs/util/lock.h"

/* How long nothing may happen until what is committed is applied. */
#define IDLE_NANOSECONDS 2000000000L

struct applier {
    struct lock lock; // guards the following
    pthread_cond_t changed;
    pthread_t thread;
    struct journal *journal;
    bool started;
    bool over;
    bool full;          // half of the journal is in use
    atomic_bool active; // the thread knows that there is something to apply
};

struct applier *applier_make(void)
{
    struct applier *applier = calloc(1, sizeof(*applier));

    if (applier) {
        lock_init(&applier->lock, LOCK_APPLIER);
        lock_condition_init(&applier->changed);
    }
    return applier;
}

/* Waits, with the lock held, until there may be something to apply. Returns false at the end. */
static bool await_change(struct applier *applier)
{
    struct timespec end = clock_deadline(IDLE_NANOSECONDS);
    int timeout = 0;

    while (!applier->over && !applier->active)
        lock_wait(&applier->lock, &applier->changed);
    while (!applier->over && !applier->full && timeout == 0)
        timeout = lock_wait_until(&applier->lock, &applier->changed, &end);
    applier->full = false;
    return !applier->over;
}

/* Applies, if it is time for that. Returns whether something is left. */
static bool apply_once(struct journal *journal)
{
    struct journal_state state;

    journal_apply_if_wanted(journal, IDLE_NANOSECONDS);
    journal_status(journal, &state);
    return state.committed > 0;
}

static void *applying_thread(void *argument)
{
    struct applier *applier = argument;

    lock_take(&applier->lock);
    while (await_change(applier)) {
        // Each change from here on is seen, or wakes the thread again.
        applier->active = false;
        lock_release(&applier->lock);
        if (apply_once(applier->journal))
            applier->active = true;
        lock_take(&applier->lock);
    }
    lock_release(&applier->lock);
    return NULL;
}

void applier_wake(struct applier *applier, struct journal *journal)
{
    bool full = journal_wants_apply(journal, UINT64_MAX);

    if (applier->active && !full)
        return;
    lock_take(&applier->lock);
    applier->journal = journal;
    applier->active = true;
    applier->full |= full;
    if (!applier->started && !applier->over)
        applier->started = pthread_create(&applier->thread, NULL, applying_thread, applier) == 0;
    pthread_cond_signal(&applier->changed);
    lock_release(&applier->lock);
}

void applier_end(struct applier *applier)
{
    bool started;

    lock_take(&applier->lock);
    applier->over = true;
    started = applier->started;
    applier->started = false;
    pthread_cond_signal(&applier->changed);
    lock_release(&applier->lock);
    if (started)
        pthread_join(applier->thread, NULL);
}
