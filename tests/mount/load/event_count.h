// SPDX-License-Identifier: BSD-2-Clause
/* An event count: how often something has happened, in memory that processes share, and a way to
 * wait for the next time. */
#ifndef SHMAPFS_TESTS_EVENT_COUNT_H
#define SHMAPFS_TESTS_EVENT_COUNT_H

#include <stdatomic.h>
#include <stdint.h>

struct event_count {
    _Atomic uint32_t count;
};

static inline uint32_t event_count_read(const struct event_count *events)
{
    return atomic_load(&events->count);
}

/* Counts one more event and wakes all who wait. */
void event_count_advance(struct event_count *events);

/* Returns when the count is another than the one read before, or after a second at most. */
void event_count_await(struct event_count *events, uint32_t seen);

#endif
