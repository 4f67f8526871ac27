// SPDX-License-Identifier: BSD-2-Clause
/* The requests that a mount has served between two looks at its counts. */
#ifndef SHMAPCTL_RATES_H
#define SHMAPCTL_RATES_H

#include <stdbool.h>

#include "lib/api/shmap.h"

struct rate {
    const char *name; // of the later look
    uint64_t served;  // in all, by this worker
    double per_second;
};

struct rates {
    bool restarted; // another worker serves, which counts anew
    size_t count;
    struct rate all[SHMAP_REQUEST_KINDS]; // the busiest first, then by name
};

/* Compares two looks that are so many seconds apart. Of the first one there is none before. */
void rates_between(const struct shmap_requests *before, const struct shmap_requests *now,
                   double seconds, struct rates *rates);

#endif
