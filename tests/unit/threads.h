/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads whose steps a test follows. All waiting is bounded, and for events. */
#ifndef THREADS_H
#define THREADS_H

#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Generous: valgrind on a busy machine must pass, too. */
enum { THREADS_SECONDS = 300 };

static inline struct timespec threads_deadline(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_sec += THREADS_SECONDS;
    return time;
}

/* For threads other than the test's own. Returns false if the event comes too late. */
static inline bool comes(sem_t *event)
{
    struct timespec until = threads_deadline();
    int result;
    do
        result = sem_timedwait(event, &until);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

static inline void await_event(sem_t *event, const char *what)
{
    if (!comes(event))
        fail_msg("waited in vain for %s", what);
}

static inline bool has_come(sem_t *event)
{
    return sem_trywait(event) == 0;
}

static inline void await_thread(pthread_t thread, const char *what)
{
    struct timespec until = threads_deadline();
    if (pthread_timedjoin_np(thread, NULL, &until) != 0)
        fail_msg("does not end: %s", what);
}

static inline bool is_asleep(pid_t thread)
{
    char path[64], status = '?';
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
    FILE *stat = fopen(path, "re");
    if (stat != NULL && fscanf(stat, "%*d (%*[^)]) %c", &status) != 1)
        status = '?';
    if (stat != NULL)
        fclose(stat);
    return status == 'S';
}

/* Returns when the thread waits for something in the kernel. */
static inline void await_sleep(pid_t thread)
{
    time_t last = threads_deadline().tv_sec;
    while (!is_asleep(thread)) {
        if (time(NULL) > last)
            fail_msg("a thread goes on that should wait");
        sched_yield();
    }
}

#endif
