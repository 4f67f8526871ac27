// SPDX-License-Identifier: BSD-2-Clause
/* The requests that a mount has served between two looks at its counts. */
#ifndef SHMAPCTL_RATES_H
#define SHMAPCTL_RATES_H

#include <stdbool.h>

#include "lib/api/shmap.h"
#include "lib/latency/latency.h"

struct rate {
    const char *name; // of the later look
    uint64_t served;  // in all, by this worker
    double per_second;
    // How long those between the looks lasted, in nanoseconds; 0: none is known of.
    uint64_t median, p99;
};

struct rates {
    bool restarted; // another worker serves, which counts anew
    size_t count;
    struct rate all[SHMAP_REQUEST_KINDS]; // the busiest first, then by name
};

/* A look at the counts of a mount. All zero: there was none. */
struct counts {
    struct shmap_requests requests;
    struct latencies latencies;
};

/* Compares two looks that are so many seconds apart. Of the first one there is none before, and
 * durations are of all that the worker has served. */
void rates_between(const struct counts *before, const struct counts *now, double seconds,
                   struct rates *rates);

#endif
