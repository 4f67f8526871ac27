// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/orphans.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "fs/util/clock.h"

/* Longer than a thread waits for a processor that thirty others want. */
#define WAIT_NANOSECONDS UINT64_C(3000000000)

/* How often a thread that waits looks whether anything is still on its way. */
#define LOOK_NANOSECONDS 1000000L

/* Over io_uring a RELEASE is on its way unseen: so long nothing must have been seen. */
#define UNSEEN_NANOSECONDS UINT64_C(50000000)

struct orphans {
    struct lock lock; // guards the rest
    pthread_cond_t one_gone;
    unsigned waiters;
    unsigned gone;
    unsigned in_use; // orphans that a wait for space was in vain for
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

/* Returns whether a thread has a RELEASE or a FORGET that is not yet served; or has answered any
 * request, and still uses the nodes that it was about. */
static bool is_any_served(const struct volume *volume)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        const struct fuse_in_header *header = state_received(volume->state, i);
        uint32_t opcode = __atomic_load_n(&header->opcode, __ATOMIC_RELAXED);

        if (__atomic_load_n(&header->len, __ATOMIC_ACQUIRE) != 0 &&
            (opcode == FUSE_RELEASE || request_is_forget(opcode) ||
             request_state(&volume->state->requests[i]) == REQUEST_ANSWERED))
            return true;
    }
    return false;
}

/* Returns whether an orphan may be about to go: something is in the kernel's queue, or in a
 * thread's hands, or is being closed. In this order, which is the order in which a FORGET moves. */
static bool is_any_on_its_way(struct volume *volume)
{
    struct pollfd queue = { .fd = volume->info.device, .events = POLLIN };

    return poll(&queue, 1, 0) != 0 || volume->reading > 0 || volume->releases_deferred > 0 ||
           is_any_served(volume) || volume->releases_deferred > 0 || volume->forgetting > 0 ||
           node_table_counts(&volume->nodes).closing > 0;
}

/* Waits until `end`, or until one has gone since the mark, no more than `left` are there, or those
 * that are left are in use: none was on its way at two looks in a row, because the answer to a
 * RELEASE puts a FORGET into the queue. At most `waiters_max` threads wait: threads that wait
 * cannot serve what they wait for. Returns false if too many wait. The lock is held. */
static bool wait_for_one(struct volume *volume, unsigned mark, unsigned left, uint64_t end)
{
    struct orphans *orphans = volume->orphans;
    uint64_t unseen = volume->info.io_uring ? UNSEEN_NANOSECONDS : 0;
    uint64_t now = clock_now(), seen = now;
    unsigned quiet = 0;

    if (orphans->waiters >= volume->waiters_max)
        return false;
    orphans->waiters++;
    volume_will_wait(volume);
    while (orphans->gone == mark && node_table_counts(&volume->nodes).orphans > left && now < end) {
        struct timespec look = clock_deadline(LOOK_NANOSECONDS);

        quiet++;
        if (is_any_on_its_way(volume)) {
            seen = now;
            quiet = 0;
        }
        if (quiet >= 2 && now - seen >= unseen)
            break;
        lock_wait_until(&orphans->lock, &orphans->one_gone, &look);
        now = clock_now();
    }
    orphans->waiters--;
    return true;
}

bool orphans_wait(struct volume *volume, unsigned *mark)
{
    return orphans_wait_until(volume, mark, clock_now() + WAIT_NANOSECONDS);
}

bool orphans_wait_until(struct volume *volume, unsigned *mark, uint64_t end)
{
    struct orphans *orphans = volume->orphans;
    bool came;

    lock_take(&orphans->lock);
    wait_for_one(volume, *mark, 0, end);
    came = orphans->gone != *mark;
    *mark = orphans->gone;
    lock_release(&orphans->lock);
    return came;
}

void orphans_settle(struct volume *volume)
{
    struct orphans *orphans = volume->orphans;
    uint64_t end = clock_now() + WAIT_NANOSECONDS;
    unsigned mark, left;
    bool waited;

    lock_take(&orphans->lock);
    do {
        mark = orphans->gone;
        waited = wait_for_one(volume, mark, orphans->in_use, end);
        left = node_table_counts(&volume->nodes).orphans;
    } while (orphans->gone != mark && clock_now() < end && left > orphans->in_use);
    // Those that a store keeps for longer count as in use, too.
    if (waited && left > orphans->in_use)
        orphans->in_use = left;
    lock_release(&orphans->lock);
}

int orphans_await_close(struct volume *volume, bool known, uint64_t since)
{
    struct orphans *orphans = volume->orphans;
    struct timespec look = clock_deadline(LOOK_NANOSECONDS);
    bool unseen = volume->info.io_uring && clock_now() - since < UNSEEN_NANOSECONDS;
    int result = -EAGAIN;

    lock_take(&orphans->lock);
    if (orphans->waiters < volume->waiters_max) {
        orphans->waiters++;
        if (known || unseen || is_any_on_its_way(volume)) {
            volume_will_wait(volume);
            lock_wait_until(&orphans->lock, &orphans->one_gone, &look);
            result = 1;
        } else if (!volume->info.io_uring) {
            result = 0;
        }
        orphans->waiters--;
    }
    lock_release(&orphans->lock);
    return result;
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
