// SPDX-License-Identifier: BSD-2-Clause
/*
 * How long another process may seem to do nothing.
 *
 * On a busy machine a process that is well takes any time. So patience counts looks and not time:
 * it ends when a process was found waiting several times in a row. A process that runs is at work
 * or waits for a processor, until it has used as much of one as the period is long. One that waits
 * for a disk, or has a debugger, is left alone: a kill would not end the wait, or is not wanted.
 */
#ifndef SHMAP_PATIENCE_H
#define SHMAP_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/process/threads.h"

/* Looks in a period. */
#define PATIENCE_LOOKS 4

struct patience {
    uint64_t period; // in nanoseconds
    uint64_t spent;  // the processor time that the process had used when it last got on
    unsigned looks;  // in a row that found it waiting
};

/* Begins, or begins anew when the process has got on. */
void patience_begin(struct patience *patience, uint64_t period, pid_t process);

/* Takes a look, which is due PATIENCE_LOOKS times in a period: what the process is at. Returns
 * whether patience ends. */
bool patience_ends(struct patience *patience, pid_t process, enum threads threads);

/* Returns whether it has ended. */
static inline bool patience_has_ended(const struct patience *patience)
{
    return patience->looks > PATIENCE_LOOKS;
}

#endif
