// SPDX-License-Identifier: BSD-2-Clause
/* Whether workers die so fast that another one would do no better. */
#ifndef SHMAPFS_DEATHS_H
#define SHMAPFS_DEATHS_H

#include <stdbool.h>

#include "fs/state/state.h"

/* So many in a row that die within that time without an answer to anybody are too many. */
#define DEATHS_MAX         10
#define DEATHS_NANOSECONDS UINT64_C(1000000000)

/* From so many on it is not believed that somebody kills them for a reason of his own. */
#define DEATHS_SUSPICIOUS 3

struct deaths {
    unsigned in_row;
    uint64_t first;   // when
    uint64_t answers; // that had been given then
};

/* Another worker of a mount has died. */
bool deaths_are_hopeless(struct deaths *deaths, const struct state *state);

#endif
