// SPDX-License-Identifier: BSD-2-Clause
/* Events between processes and threads: an eventfd(2) that was signalled or not. */
#ifndef SHMAPFS_EVENT_H
#define SHMAPFS_EVENT_H

#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

/* Signals an event. It fails only when the event is signalled many times already. */
static inline void event_signal(int event)
{
    uint64_t one = 1;

    if (write(event, &one, sizeof(one)) != sizeof(one))
        return;
}

/* Whether it was signalled since this was last asked. */
static inline bool event_take(int event)
{
    uint64_t count;

    return read(event, &count, sizeof(count)) == sizeof(count);
}

#endif
