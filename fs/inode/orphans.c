// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/orphans.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/util/clock.h"

/* Longer than serving a FORGET takes on a busy machine. Files without a name that are really open
 * cost a full area this delay for each call that fails. */
#define SPACE_NANOSECONDS 50000000L
#define SPACE_WAITERS_MAX 3

/* Longer than a thread waits for a processor that thirty others want; and briefly, after a wait
 * that was in vain. */
#define DESCRIPTOR_NANOSECONDS       3000000000L
#define DESCRIPTOR_NANOSECONDS_BRIEF 50000000L

/* After waits in vain so many waits have to be of use before one is long again. */
#define VAIN_MAX 8

struct orphans {
    struct lock lock; // guards the rest
    pthread_cond_t one_gone;
    unsigned space_waiters;
    unsigned descriptor_waiters;
    unsigned gone;
    unsigned in_use; // orphans that a wait for space was in vain for
    unsigned vain;   // waits for a descriptor that were in vain, less those that were of use
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
 * whether neither came about in time. At most `most` threads are among `*waiters`: threads that
 * wait cannot serve what they wait for. The lock is held. */
static bool wait_in_vain(struct volume *volume, unsigned mark, unsigned left, long nanoseconds,
                         unsigned *waiters, unsigned most)
{
    struct orphans *orphans = volume->orphans;
    struct timespec deadline = clock_deadline(nanoseconds);
    int error = 0;

    if (*waiters >= most)
        return false;
    ++*waiters;
    volume_will_wait(volume);
    while (orphans->gone == mark && error != ETIMEDOUT &&
           node_table_counts(&volume->nodes).orphans > left)
        error = lock_wait_until(&orphans->lock, &orphans->one_gone, &deadline);
    --*waiters;
    return error == ETIMEDOUT;
}

static bool space_wait_in_vain(struct volume *volume, unsigned mark, unsigned left)
{
    return wait_in_vain(volume, mark, left, SPACE_NANOSECONDS, &volume->orphans->space_waiters,
                        SPACE_WAITERS_MAX);
}

bool orphans_wait(struct volume *volume, unsigned *mark)
{
    struct orphans *orphans = volume->orphans;
    bool came;

    lock_take(&orphans->lock);
    space_wait_in_vain(volume, *mark, 0);
    came = orphans->gone != *mark;
    *mark = orphans->gone;
    lock_release(&orphans->lock);
    return came;
}

bool orphans_wait_for_descriptor(struct volume *volume, unsigned mark, bool missing)
{
    struct orphans *orphans = volume->orphans;
    bool came, in_vain = false;

    lock_take(&orphans->lock);
    if (missing || orphans->vain == 0)
        in_vain =
            wait_in_vain(volume, mark, 0,
                         orphans->vain == 0 ? DESCRIPTOR_NANOSECONDS : DESCRIPTOR_NANOSECONDS_BRIEF,
                         &orphans->descriptor_waiters, volume->waiters_max);
    came = orphans->gone != mark;
    if (in_vain && !came)
        orphans->vain = VAIN_MAX;
    else if (came && orphans->vain > 0)
        orphans->vain--;
    lock_release(&orphans->lock);
    return came;
}

void orphans_settle(struct volume *volume)
{
    struct orphans *orphans = volume->orphans;
    unsigned mark, left;
    bool in_vain;

    lock_take(&orphans->lock);
    do {
        mark = orphans->gone;
        in_vain = space_wait_in_vain(volume, mark, orphans->in_use);
        left = node_table_counts(&volume->nodes).orphans;
    } while (orphans->gone != mark && left > orphans->in_use);
    if (in_vain && left > orphans->in_use)
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
        orphans->vain = 0;
    pthread_cond_broadcast(&orphans->one_gone);
    lock_release(&orphans->lock);
}
