// SPDX-License-Identifier: BSD-2-Clause
/* The clock that only goes forward (CLOCK_MONOTONIC), and that of a thread's work. */
#ifndef SHMAPFS_CLOCK_H
#define SHMAPFS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Returns the time in nanoseconds. */
static inline uint64_t clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Returns the processor time that the calling thread has had, in nanoseconds. */
static inline uint64_t clock_of_thread(void)
{
    struct timespec had;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &had);
    return (uint64_t)had.tv_sec * 1000000000 + (uint64_t)had.tv_nsec;
}

/* Returns the milliseconds until a time, rounded up, for poll(2); 0: it has come. */
static inline int clock_milliseconds_until(uint64_t time)
{
    uint64_t now = clock_now();

    return now < time ? (int)((time - now) / 1000000) + 1 : 0;
}

/* Returns the time so many nanoseconds from now, for a wait on a condition. */
static inline struct timespec clock_deadline(long nanoseconds)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += nanoseconds / 1000000000L;
    time.tv_nsec += nanoseconds % 1000000000L;
    if (time.tv_nsec >= 1000000000L) {
        time.tv_sec++;
        time.tv_nsec -= 1000000000L;
    }
    return time;
}

#endif
