// SPDX-License-Identifier: BSD-2-Clause
#include "fs/process/crash_loop.h"

static uint64_t answers_of(const struct state *state)
{
    uint64_t answers = 0;

    for (int i = 0; i < REQUESTS; i++)
        answers += state->requests[i].answers;
    return answers;
}

bool crash_loop_detect(struct crash_loop *crash_loop, const struct state *state)
{
    uint64_t answers = answers_of(state);
    uint64_t now = clock_now();

    if (crash_loop->in_row == 0 || answers != crash_loop->answers ||
        now - crash_loop->first > CRASH_LOOP_NANOSECONDS)
        *crash_loop = (struct crash_loop){ .first = now, .answers = answers };
    return ++crash_loop->in_row >= CRASH_LOOP_DEATHS;
}
