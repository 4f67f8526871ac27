// SPDX-License-Identifier: BSD-2-Clause
#ifndef SHMAPFS_DEADLINE_H
#define SHMAPFS_DEADLINE_H

#include <time.h>

/* So many nanoseconds from now, less than a second, for waits on CLOCK_MONOTONIC. */
static inline struct timespec deadline_in(long nanoseconds)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_nsec += nanoseconds;
    if (time.tv_nsec >= 1000000000L) {
        time.tv_sec++;
        time.tv_nsec -= 1000000000L;
    }
    return time;
}

#endif
