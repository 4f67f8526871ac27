// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/orphans.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/util/clock.h"

/* How long one call waits, and how many may: threads that wait cannot serve what they wait for. */
struct wait_limit {
    long nanoseconds;
    unsigned waiters;
};

/* Longer than serving a FORGET takes on a busy machine. Files without a name that are really open
 * cost a full area this delay for each call that fails. */
static const struct wait_limit FOR_SPACE = { 50000000L, 3 };

/* Longer than a thread waits for a processor that thirty others want. A call waits so long in vain
 * once; the next ones wait briefly, until a wait was of use. Two of the threads are left to receive
 * (fs/dispatch/server.c). */
static const struct wait_limit FOR_DESCRIPTOR = { 3000000000L, 8 };
static const struct wait_limit FOR_DESCRIPTOR_AGAIN = { 50000000L, 8 };

struct orphans {
    struct lock lock; // guards the rest
    pthread_cond_t one_gone;
    unsigned waiters;
    unsigned gone;
    unsigned in_use; // orphans that a wait was in vain for
    bool stay;       // the last wait for a descriptor was in vain
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

/* Waits until no more than `left` orphans are there, or one has gone since the mark. Returns
 * whether neither came about in time. The lock is held. */
static bool wait_until(struct volume *volume, unsigned mark, unsigned left,
                       const struct wait_limit *limit)
{
    struct orphans *orphans = volume->orphans;
    struct timespec deadline = clock_deadline(limit->nanoseconds);
    int error = 0;

    if (orphans->waiters >= limit->waiters)
        return false;
    orphans->waiters++;
    volume_will_wait(volume);
    while (orphans->gone == mark && error != ETIMEDOUT &&
           node_table_counts(&volume->nodes).orphans > left)
        error = lock_wait_until(&orphans->lock, &orphans->one_gone, &deadline);
    orphans->waiters--;
    return error == ETIMEDOUT;
}

bool orphans_wait(struct volume *volume, unsigned *mark)
{
    struct orphans *orphans = volume->orphans;
    bool came;

    lock_take(&orphans->lock);
    wait_until(volume, *mark, 0, &FOR_SPACE);
    came = orphans->gone != *mark;
    *mark = orphans->gone;
    lock_release(&orphans->lock);
    return came;
}

bool orphans_wait_for_descriptor(struct volume *volume, unsigned mark, bool missing)
{
    struct orphans *orphans = volume->orphans;
    bool came, in_vain = false;

    if (!volume->threads_receive)
        return false;
    lock_take(&orphans->lock);
    if (missing || !orphans->stay)
        in_vain =
            wait_until(volume, mark, 0, orphans->stay ? &FOR_DESCRIPTOR_AGAIN : &FOR_DESCRIPTOR);
    came = orphans->gone != mark;
    if (came || in_vain)
        orphans->stay = !came;
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
        wait_until(volume, mark, orphans->in_use, &FOR_SPACE);
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
    if (left == 0)
        orphans->stay = false;
    pthread_cond_broadcast(&orphans->one_gone);
    lock_release(&orphans->lock);
}
