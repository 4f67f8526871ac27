// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/orphans.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/util/clock.h"

/* Longer than serving a FORGET takes on a busy machine. Files without a name that are really open
 * cost a full area this delay for each call that fails. */
#define WAIT_NANOSECONDS 50000000L

#define WAITERS_MAX 3

struct orphans {
    struct lock lock; // guards the rest
    pthread_cond_t one_gone;
    unsigned waiters;
    unsigned gone;
    unsigned in_use; // orphans that a wait was in vain for
};

int orphans_init(struct volume *volume)
{
    struct orphans *orphans = calloc(1, sizeof(*orphans));

    if (!orphans)
        return -ENOMEM;
    lock_init(&orphans->lock, LOCK_ORPHANS);
    lock_condition_init(&orphans->one_gone);
    volume->orphans = orphans;
    return 0;
}

void orphans_destroy(struct volume *volume)
{
    free(volume->orphans);
    volume->orphans = NULL;
}

unsigned orphans_gone(struct volume *volume)
{
    struct orphans *orphans = volume->orphans;
    unsigned gone;

    lock_take(&orphans->lock);
    gone = orphans->gone;
    lock_release(&orphans->lock);
    return gone;
}

/* Waits until no more than `left` orphans are there, or one has gone since the mark. The lock is
 * held. */
static void wait_until(struct volume *volume, unsigned mark, unsigned left)
{
    struct orphans *orphans = volume->orphans;
    struct timespec deadline = clock_deadline(WAIT_NANOSECONDS);
    int error = 0;

    // A thread that waits cannot serve the FORGET that it waits for.
    if (orphans->waiters >= WAITERS_MAX)
        return;
    orphans->waiters++;
    volume_will_wait(volume);
    while (orphans->gone == mark && error != ETIMEDOUT &&
           node_table_counts(&volume->nodes).orphans > left)
        error = lock_wait_until(&orphans->lock, &orphans->one_gone, &deadline);
    orphans->waiters--;
}

bool orphans_wait(struct volume *volume, unsigned *mark)
{
    struct orphans *orphans = volume->orphans;
    bool came;

    lock_take(&orphans->lock);
    wait_until(volume, *mark, 0);
    came = orphans->gone != *mark;
    *mark = orphans->gone;
    lock_release(&orphans->lock);
    return came;
}

void orphans_settle(struct volume *volume)
{
    struct orphans *orphans = volume->orphans;
    unsigned mark, left;

    lock_take(&orphans->lock);
    do {
        mark = orphans->gone;
        wait_until(volume, mark, orphans->in_use);
        left = node_table_counts(&volume->nodes).orphans;
    } while (orphans->gone != mark && left > orphans->in_use);
    if (left > orphans->in_use)
        orphans->in_use = left;
    lock_release(&orphans->lock);
}

void orphans_one_gone(struct volume *volume)
{
    struct orphans *orphans = volume->orphans;
    unsigned left;

    // Both counts change together. Otherwise a thread that looks in between would neither wait nor
    // try again.
    lock_take(&orphans->lock);
    node_orphan_gone(&volume->nodes);
    left = node_table_counts(&volume->nodes).orphans;
    orphans->gone++;
    if (left < orphans->in_use)
        orphans->in_use = left;
    pthread_cond_broadcast(&orphans->one_gone);
    lock_release(&orphans->lock);
}
