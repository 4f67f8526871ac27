// SPDX-License-Identifier: BSD-2-Clause
/* Events between processes and threads: an eventfd(2) that was signalled or not. */
#ifndef SHMAPFS_EVENT_H
#define SHMAPFS_EVENT_H

#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

/* Signals an event. This fails only when the event has been signalled very many times already. */
static inline void event_signal(int event)
{
    uint64_t one = 1;

    if (write(event, &one, sizeof(one)) != sizeof(one))
        return;
}

/* Returns whether the event was signalled since the last call. */
static inline bool event_take(int event)
{
    uint64_t count;

    return read(event, &count, sizeof(count)) == sizeof(count);
}

#endif
