// SPDX-License-Identifier: BSD-2-Clause
/* Whether workers die so fast that another one would do no better. */
#ifndef SHMAPFS_CRASH_LOOP_H
#define SHMAPFS_CRASH_LOOP_H

#include <stdbool.h>

#include "fs/state/state.h"

/* So many workers in a row that die within that time without an answer to anybody are a loop. */
#define CRASH_LOOP_DEATHS      10
#define CRASH_LOOP_NANOSECONDS UINT64_C(1000000000)

/* After so many it is not believed any more that somebody kills them for a reason. */
#define CRASH_LOOP_SUSPICIOUS 3

struct crash_loop {
    unsigned in_row;
    uint64_t first;   // when
    uint64_t answers; // that had been given then
};

/* Counts the death of a worker; returns whether it is one of a loop. */
bool crash_loop_detect(struct crash_loop *crash_loop, const struct state *state);

#endif
