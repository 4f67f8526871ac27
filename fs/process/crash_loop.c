// SPDX-License-Identifier: BSD-2-Clause
#include "fs/process/crash_loop.h"

static uint64_t answers_of(const struct state *state)
{
    uint64_t answers = 0;

    for (int i = 0; i < REQUESTS; i++)
        answers += state->requests[i].answers;
    return answers;
}

bool deaths_are_hopeless(struct deaths *deaths, const struct state *state)
{
    uint64_t answers = answers_of(state);
    uint64_t now = clock_now();

    if (deaths->in_row == 0 || answers != deaths->answers ||
        now - deaths->first > DEATHS_NANOSECONDS)
        *deaths = (struct deaths){ .first = now, .answers = answers };
    return ++deaths->in_row >= DEATHS_MAX;
}
