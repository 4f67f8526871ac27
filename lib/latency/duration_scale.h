// SPDX-License-Identifier: BSD-2-Clause
/*
 * A scale of durations: four steps for each doubling, from 1 µs to 17 s. Counts of how many were in
 * each step give quantiles to a quarter, whatever the durations are.
 */
#ifndef SHMAP_DURATION_SCALE_H
#define SHMAP_DURATION_SCALE_H

#include <stdint.h>

enum {
    DURATION_SHORTEST = 10, // the first step is what takes less than 2^10 ns
    DURATION_LONGEST = 34,  // the last step is what takes 2^34 ns or more
    DURATION_STEPS = 4 * (DURATION_LONGEST - DURATION_SHORTEST) + 2,
};

/* Returns the step that a duration is in. */
static inline unsigned duration_step(uint64_t nanoseconds)
{
    unsigned exponent;

    if (nanoseconds < UINT64_C(1) << DURATION_SHORTEST)
        return 0;
    if (nanoseconds >= UINT64_C(1) << DURATION_LONGEST)
        return DURATION_STEPS - 1;
    exponent = 63 - (unsigned)__builtin_clzll(nanoseconds);
    return 1 + 4 * (exponent - DURATION_SHORTEST) + (nanoseconds >> (exponent - 2) & 3);
}

/* Returns the shortest duration that is longer than those in a step, in nanoseconds. The last step
 * has none: UINT64_MAX. */
static inline uint64_t duration_step_end(unsigned step)
{
    unsigned exponent = DURATION_SHORTEST + (step - 1) / 4;

    if (step == 0)
        return UINT64_C(1) << DURATION_SHORTEST;
    if (step >= DURATION_STEPS - 1)
        return UINT64_MAX;
    return (UINT64_C(5) + (step - 1) % 4) << (exponent - 2);
}

#endif
