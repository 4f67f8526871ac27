// SPDX-License-Identifier: BSD-2-Clause
#include "fs/process/watchdog.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/dispatch/admission.h"
#include "fs/options/options.h"
#include "fs/process/children.h"
#include "fs/util/clock.h"

/* How often the watchdog looks while requests are taken. */
#define LOOK_NANOSECONDS UINT64_C(250000000)

uint64_t watchdog_period(const struct life *life)
{
    uint64_t seconds = life->watchdog ? life->watchdog - 1 : WATCHDOG_DEFAULT;

    return 1000000000 * seconds;
}

void watchdog_begin(struct watchdog *watchdog, uint64_t period)
{
    *watchdog = (struct watchdog){ .patience.period = period };
    watchdog_wake(watchdog);
}

bool watchdog_sleeps(const struct watchdog *watchdog)
{
    return watchdog->patience.period && !watchdog->awake;
}

void watchdog_wake(struct watchdog *watchdog)
{
    watchdog->awake = watchdog->patience.period != 0;
    watchdog->next = clock_now() + LOOK_NANOSECONDS;
}

int watchdog_wait(const struct watchdog *watchdog)
{
    return watchdog->awake ? clock_milliseconds_until(watchdog->next) : -1;
}

/* Returns how many requests the worker has and has not served. */
static unsigned count_served(const struct state *state)
{
    unsigned count = 0;

    for (unsigned i = 0; i < REQUESTS; i++) {
        const struct fuse_in_header *header = state_received(state, i);

        count += __atomic_load_n(&header->len, __ATOMIC_RELAXED) != 0;
    }
    return count;
}

/* Returns whether the worker should do something: a request is in the queue, the connection is
 * gone, or it has so many that it may have deferred others. */
static bool is_wanted(const struct watched *watched)
{
    struct pollfd queue = { .fd = watched->device, .events = POLLIN };

    return !watched->serves || poll(&queue, 1, 0) > 0 ||
           count_served(watched->state) >= ADMISSION_ALWAYS;
}

/* Returns a number that changes when the worker takes or answers a request. */
static uint64_t count_taken(const struct state *state)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < REQUESTS; i++) {
        const struct fuse_in_header *header = state_received(state, i);

        sum = 31 * sum + __atomic_load_n(&header->unique, __ATOMIC_RELAXED) +
              state->requests[i].answers;
    }
    return sum;
}

bool watchdog_look(struct watchdog *watchdog, const struct watched *watched)
{
    uint64_t taken;
    bool wanted, moves;

    if (!watchdog->awake || clock_now() < watchdog->next)
        return false;
    wanted = is_wanted(watched);
    taken = count_taken(watched->state);
    moves = taken != watchdog->taken;
    watchdog->taken = taken;
    // Another worker would wait for a store that does not answer, too.
    if (moves || !wanted || watched->state->upgrade.outage.silent) {
        watchdog_wake(watchdog);
        watchdog->awake = moves;
        patience_begin(&watchdog->patience, watchdog->patience.period, watched->worker);
        return false;
    }
    watchdog->next = clock_now() + watchdog->patience.period / PATIENCE_LOOKS;
    if (!patience_ends(&watchdog->patience, watched->worker, children_inspect(watched->worker)))
        return false;
    watchdog->patience.looks = 0;
    return true;
}

void watchdog_follow(const struct state *state, int device, int pidfd)
{
    const struct watched watched = {
        .state = state, .device = device, .worker = state->life.worker, .serves = true
    };
    struct pollfd events[] = { { .fd = pidfd, .events = POLLIN }, { .events = POLLIN } };
    struct watchdog watchdog;

    watchdog_begin(&watchdog, watchdog_period(&state->life));
    while (!events[0].revents) {
        events[1].fd = watchdog_sleeps(&watchdog) ? device : -1;
        if (poll(events, 2, watchdog_wait(&watchdog)) > 0 && events[1].revents)
            watchdog_wake(&watchdog);
        // At last it only syncs the store.
        if (watchdog_look(&watchdog, &watched) && !(state->life.ending & LIFE_ENDED))
            syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    }
}
