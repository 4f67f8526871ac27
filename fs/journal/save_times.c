// SPDX-License-Identifier: BSD-2-Clause
#include "fs/journal/save_times.h"

#include <stdlib.h>

#include "fs/util/clock.h"
#include "fs/util/lock.h"

#define NANOSECONDS 1000000000L

struct save_times {
    struct lock lock; // guards the following
    pthread_cond_t changed;
    uint64_t start; // when the first second began, in nanoseconds
    struct save_intervals noted;
    bool over;
};

struct save_times *save_times_make(void)
{
    struct save_times *times = calloc(1, sizeof(*times));

    if (times) {
        lock_init(&times->lock, LOCK_SAVE_TIMES);
        lock_condition_init(&times->changed);
        times->start = clock_now();
    }
    return times;
}

void save_times_note(struct save_times *times, unsigned interval)
{
    lock_take(&times->lock);
    if (!save_intervals_have(&times->noted, interval)) {
        save_intervals_add(&times->noted, interval);
        pthread_cond_signal(&times->changed);
    }
    lock_release(&times->lock);
}

static uint64_t second_now(const struct save_times *times)
{
    return (clock_now() - times->start) / NANOSECONDS;
}

/* Returns the first second after another in which something is due; 0: there is nothing. */
static uint64_t next_due(const struct save_times *times, uint64_t after)
{
    uint64_t next = 0;

    for (unsigned i = 1; i <= COMMIT_INTERVAL_MAX; i++) {
        uint64_t due = (after / i + 1) * i;

        if (save_intervals_have(&times->noted, i) && (next == 0 || due < next))
            next = due;
    }
    return next;
}

/* Waits, with the lock held, for a second to come; returns false if something has changed. */
static bool await_second(struct save_times *times, uint64_t second)
{
    uint64_t until = times->start + second * NANOSECONDS;
    uint64_t now = clock_now();
    struct timespec deadline = clock_deadline(until > now ? (long)(until - now) : 0);

    return until <= now || lock_wait_until(&times->lock, &times->changed, &deadline) != 0;
}

uint64_t save_times_wait(struct save_times *times)
{
    uint64_t second = 0;
    bool came = false;

    lock_take(&times->lock);
    while (!times->over && !came) {
        second = next_due(times, second_now(times));
        if (second == 0)
            lock_wait(&times->lock, &times->changed);
        else
            came = await_second(times, second);
    }
    if (times->over)
        second = 0;
    lock_release(&times->lock);
    return second;
}

void save_times_found(struct save_times *times, uint64_t second, const struct save_intervals *found)
{
    lock_take(&times->lock);
    for (unsigned i = 1; i <= COMMIT_INTERVAL_MAX; i++) {
        if (save_is_due(second, i) && !save_intervals_have(found, i))
            times->noted.bits[i / 8] &= (uint8_t) ~(1U << i % 8);
    }
    lock_release(&times->lock);
}

void save_times_end(struct save_times *times)
{
    lock_take(&times->lock);
    times->over = true;
    pthread_cond_signal(&times->changed);
    lock_release(&times->lock);
}
