// SPDX-License-Identifier: BSD-2-Clause
#include "lib/process/patience.h"

#include <time.h>

/* Returns the processor time that a process has used, in nanoseconds. */
static uint64_t time_spent(pid_t process)
{
    struct timespec time;
    clockid_t clock;

    if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0)
        return 0;
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void patience_begin(struct patience *patience, uint64_t period, pid_t process)
{
    *patience = (struct patience){ .period = period, .spent = time_spent(process) };
}

bool patience_ends(struct patience *patience, pid_t process, enum threads threads)
{
    // A thread that runs is at work or waits for its turn, unless it has had its turns.
    if (threads == THREADS_RUNNABLE && time_spent(process) - patience->spent > patience->period)
        threads = THREADS_WAITING;
    if (threads == THREADS_WAITING)
        patience->looks++;
    else if (threads != THREADS_UNKNOWN)
        patience->looks = 0;
    return patience_has_ended(patience);
}
