// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/leader.h"

#include <poll.h>

#include "fs/util/clock.h"

/* What a thread does: whether it serves a request; whether its turn was passed on because of that;
 * and above these bits, how many requests it has begun. */
enum { SERVING = 1, PASSED = 2, ONE_REQUEST = 4 };

/* Waking a thread costs a client more than most requests; so where that pays, a thread looks for the
 * next one so long before it sleeps, if the last one came within that time. */
#define SPIN_NANOSECONDS 100000
#define IDLE_NANOSECONDS 1000000

/* So many that were there already, one after another, are more than one thread can do. */
#define STREAK 8

void turns_init(struct turns *turns, long processors, unsigned most)
{
    lock_init(&turns->lock, LOCK_LEADERS);
    pthread_cond_init(&turns->passed, NULL);
    turns->most = processors < 2 ? 2 : processors < most ? (unsigned)processors : most;
    turns->may_spin = processors > 1;
    turns->count = 1;
    turns->free = 1;
}

/* One more turn that no thread has. The lock is held. */
static void offer(struct turns *turns)
{
    turns->free++;
    pthread_cond_signal(&turns->passed);
}

static void add_turn(struct turns *turns)
{
    lock_take(&turns->lock);
    if (turns->count < turns->most && turns->free == 0) {
        turns->count++;
        offer(turns);
    }
    lock_release(&turns->lock);
}

static void pass_on(struct turns *turns)
{
    lock_take(&turns->lock);
    offer(turns);
    lock_release(&turns->lock);
}

struct turn turn_init(struct turns *turns, unsigned record)
{
    return (struct turn){ .turns = turns, .record = record, .spin.pays = turns->may_spin };
}

bool turn_take(struct turn *turn)
{
    struct turns *turns = turn->turns;

    if (turn->had && !(turn->waited && turns->receiving > 0))
        return true;
    lock_take(&turns->lock);
    if (turn->had && turns->count > 1) {
        turns->count--;
        turn->had = false;
    }
    while (!turn->had && turns->free == 0 && !turns->over)
        lock_wait(&turns->lock, &turns->passed);
    if (!turn->had && !turns->over) {
        turns->free--;
        turn->had = true;
    }
    lock_release(&turns->lock);
    return turn->had;
}

void turn_receive(struct turn *turn)
{
    turn->turns->receiving++;
    turn->waited = false;
}

void turn_wait(struct turn *turn, int device)
{
    struct pollfd ready = { .fd = device, .events = POLLIN };

    if (!turn->waited)
        turn->since = clock_now();
    turn->waited = true;
    if (!turn->soon || !spin_wanted(&turn->spin) || turn->turns->receiving > 1 ||
        clock_now() - turn->since > SPIN_NANOSECONDS)
        poll(&ready, 1, -1);
}

void turn_received(struct turn *turn)
{
    uint64_t waited = turn->waited ? clock_now() - turn->since : 0;

    turn->turns->receiving--;
    if (turn->waited)
        turn->soon = turn->turns->may_spin && waited < SPIN_NANOSECONDS;
    if (spin_count(&turn->spin, waited > IDLE_NANOSECONDS))
        spin_round(&turn->spin, clock_now());
    turn->streak = turn->waited ? 0 : turn->streak + 1;
    if (turn->streak == STREAK) {
        turn->streak = 0;
        add_turn(turn->turns);
    }
}

void turn_begin(struct turn *turn)
{
    turn->turns->work[turn->record] += ONE_REQUEST | SERVING;
}

void turn_end(struct turn *turn)
{
    unsigned was = atomic_fetch_and(&turn->turns->work[turn->record], ~(SERVING | PASSED));

    if (was & PASSED)
        turn->had = false;
}

void turns_pass(struct turns *turns, unsigned record)
{
    unsigned work = turns->work[record];

    // What is served without a turn, after another worker's death, has none to pass on.
    while ((work & (SERVING | PASSED)) == SERVING) {
        if (atomic_compare_exchange_weak(&turns->work[record], &work, work | PASSED)) {
            pass_on(turns);
            return;
        }
    }
}

bool turns_look(struct turns *turns)
{
    bool any = false;

    for (unsigned i = 0; i < REQUESTS; i++) {
        unsigned work = turns->work[i];

        any |= work != turns->seen[i] || (work & SERVING);
        if (work == turns->seen[i] && (work & (SERVING | PASSED)) == SERVING &&
            atomic_compare_exchange_strong(&turns->work[i], &work, work | PASSED))
            pass_on(turns);
        turns->seen[i] = work;
    }
    return any;
}

void turns_end(struct turns *turns)
{
    lock_take(&turns->lock);
    turns->over = true;
    pthread_cond_broadcast(&turns->passed);
    lock_release(&turns->lock);
}
