// SPDX-License-Identifier: BSD-2-Clause
/* Crash loops: workers that die so fast that another one would do no better. */
#ifndef SHMAPFS_CRASH_LOOP_H
#define SHMAPFS_CRASH_LOOP_H

#include <stdbool.h>

#include "fs/state/state.h"

/* This many workers in a row that die within this time without an answer to anybody are a loop. */
#define CRASH_LOOP_DEATHS      10
#define CRASH_LOOP_NANOSECONDS UINT64_C(1000000000)

/* After this many deaths in a row, a kill no longer counts as somebody's own decision. */
#define CRASH_LOOP_SUSPICIOUS 3

struct crash_loop {
    unsigned in_row;
    uint64_t first;   // when the first of them died
    uint64_t answers; // how many answers had been given by then
};

/* Counts the death of a worker. Returns whether it is one of a loop. */
bool crash_loop_detect(struct crash_loop *crash_loop, const struct state *state);

#endif
