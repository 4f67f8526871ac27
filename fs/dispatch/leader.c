// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/leader.h"

#include <poll.h>

#include "fs/util/clock.h"

/* The bits of a thread's `work`: whether it serves a request; whether a follower was promoted in
 * its place because of that; and above these, how many requests it has begun. */
enum { SERVING = 1, PROMOTED = 2, ONE_REQUEST = 4 };

/* How long a thread looks for the next request before it sleeps, where that pays and the last
 * request came within this time: waking a thread costs a client more than most requests. */
#define BUSY_POLL_NANOSECONDS 100000
#define IDLE_NANOSECONDS      1000000

/* After so many promotions that were of no use, the next one waits for the tick. */
#define EAGER 8

/* A sleep that was no longer than that was none: the request was there already. */
#define READY_NANOSECONDS 3000

/* After this many back-to-back receives, add a leader: one thread cannot do the work. */
#define STREAK 8

void leaders_init(struct leaders *leaders, long processors, unsigned most)
{
    lock_init(&leaders->lock, LOCK_LEADERS);
    pthread_cond_init(&leaders->promoted, NULL);
    leaders->most = processors < 2 ? 2 : processors < most ? (unsigned)processors : most;
    leaders->may_poll = processors > 1;
    leaders->pays = leaders->may_poll;
    leaders->count = 1;
    leaders->vacant = 1;
    leaders->eager = EAGER;
}

/* Lets one more thread lead. The lock is held. */
static void offer_lead(struct leaders *leaders)
{
    leaders->vacant++;
    pthread_cond_signal(&leaders->promoted);
}

static void add_leader(struct leaders *leaders)
{
    lock_take(&leaders->lock);
    if (leaders->count < leaders->most && leaders->vacant == 0) {
        leaders->count++;
        offer_lead(leaders);
    }
    lock_release(&leaders->lock);
}

static void promote_follower(struct leaders *leaders, unsigned record)
{
    leaders->waiting = leaders->clients[record];
    leaders->replaced++;
    lock_take(&leaders->lock);
    offer_lead(leaders);
    lock_release(&leaders->lock);
}

struct leader leader_init(struct leaders *leaders, unsigned record)
{
    return (
        struct leader){ .leaders = leaders, .record = record, .busy_poll.pays = leaders->may_poll };
}

bool leader_await(struct leader *leader)
{
    struct leaders *leaders = leader->leaders;

    if (leader->leads && !(leader->waited && leaders->receiving > 0))
        return true;
    lock_take(&leaders->lock);
    if (leader->leads && leaders->count > 1) {
        leaders->count--;
        leader->leads = false;
    }
    while (!leader->leads && leaders->vacant == 0 && !leaders->over)
        lock_wait(&leaders->lock, &leaders->promoted);
    if (!leader->leads && !leaders->over) {
        leaders->vacant--;
        leader->leads = true;
        busy_poll_pause(&leader->busy_poll, clock_now() - leader->received, leaders->pays);
    }
    lock_release(&leaders->lock);
    return leader->leads;
}

void leader_receiving(struct leader *leader)
{
    leader->leaders->receiving++;
    leader->waited = false;
}

static bool looks(const struct leader *leader)
{
    return leader->soon && busy_poll_wanted(&leader->busy_poll) && leader->leaders->receiving <= 1;
}

/* Sleeps from now on, until there may be a request. Returns for how long. */
static uint64_t sleep_until_ready(struct leader *leader, int device, uint64_t now)
{
    struct pollfd ready = { .fd = device, .events = POLLIN };
    uint64_t slept;

    poll(&ready, 1, -1);
    slept = clock_now() - now;
    leader->slept += slept;
    leader->sleeps = true;
    return slept;
}

void leader_sleep(struct leader *leader, int device)
{
    uint64_t now;

    if (!leader->sleeps || looks(leader))
        return;
    now = clock_now();
    leader->waited = sleep_until_ready(leader, device, now) > READY_NANOSECONDS;
    leader->since = now;
}

void leader_poll(struct leader *leader, int device)
{
    uint64_t now = clock_now();

    if (!leader->waited)
        leader->since = now;
    leader->waited = true;
    if (looks(leader)) {
        leader->looked = true;
        if (now - leader->since <= BUSY_POLL_NANOSECONDS)
            return;
    }
    sleep_until_ready(leader, device, now);
}

static void measure_round(struct leader *leader)
{
    bool pays = leader->busy_poll.pays;

    busy_poll_round(&leader->busy_poll, clock_now(), clock_of_thread() + leader->slept);
    if (leader->busy_poll.pays != pays)
        leader->leaders->pays = !pays;
}

void leader_received(struct leader *leader)
{
    uint64_t waited = leader->waited ? clock_now() - leader->since : 0;

    leader->leaders->receiving--;
    leader->sleeps = leader->sleeps && leader->waited;
    if (leader->looked)
        busy_poll_looked(&leader->busy_poll, waited > BUSY_POLL_NANOSECONDS);
    leader->looked = false;
    if (leader->waited)
        leader->soon = leader->leaders->may_poll && waited < BUSY_POLL_NANOSECONDS;
    if (busy_poll_count(&leader->busy_poll, waited > IDLE_NANOSECONDS))
        measure_round(leader);
    leader->streak = leader->waited ? 0 : leader->streak + 1;
    if (leader->streak == STREAK) {
        leader->streak = 0;
        add_leader(leader->leaders);
    }
    leader->received = clock_now();
}

void leader_serving(struct leader *leader)
{
    // Nobody is missing where a thread that does not lead serves what was deferred.
    if (!leader->leads)
        return;
    leader->leaders->work[leader->record] += ONE_REQUEST | SERVING;
}

void leader_serves(struct leader *leader, unsigned client)
{
    struct leaders *leaders = leader->leaders;

    leaders->clients[leader->record] = client;
    if (leaders->replaced > 0 && client != leaders->waiting)
        leaders->eager = EAGER;
}

void leader_served(struct leader *leader)
{
    struct leaders *leaders = leader->leaders;
    unsigned was = atomic_fetch_and(&leaders->work[leader->record], ~(SERVING | PROMOTED));
    unsigned eager = leaders->eager;

    if (!(was & PROMOTED))
        return;
    leader->leads = false;
    leaders->replaced--;
    // Another thread may have found just now that it was of use.
    if (eager > 0)
        atomic_compare_exchange_strong(&leaders->eager, &eager, eager - 1);
}

void leaders_promote(struct leaders *leaders, unsigned record)
{
    unsigned work = leaders->work[record];

    // After another worker's death, threads that do not lead serve requests.
    while ((work & (SERVING | PROMOTED)) == SERVING) {
        if (atomic_compare_exchange_weak(&leaders->work[record], &work, work | PROMOTED)) {
            promote_follower(leaders, record);
            return;
        }
    }
}

void leaders_promote_eagerly(struct leaders *leaders, unsigned record)
{
    if (leaders->eager > 0)
        leaders_promote(leaders, record);
}

bool leaders_tick(struct leaders *leaders)
{
    bool any = false;

    for (unsigned i = 0; i < REQUESTS; i++) {
        unsigned work = leaders->work[i];

        any |= work != leaders->seen[i] || (work & SERVING);
        if (work == leaders->seen[i] && (work & (SERVING | PROMOTED)) == SERVING &&
            atomic_compare_exchange_strong(&leaders->work[i], &work, work | PROMOTED))
            promote_follower(leaders, i);
        leaders->seen[i] = work;
    }
    return any;
}

void leaders_end(struct leaders *leaders)
{
    lock_take(&leaders->lock);
    leaders->over = true;
    pthread_cond_broadcast(&leaders->promoted);
    lock_release(&leaders->lock);
}
