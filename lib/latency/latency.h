// SPDX-License-Identifier: BSD-2-Clause
/* How long the worker of a mount took for requests, and the text of the attribute that tells. */
#ifndef SHMAP_LATENCY_H
#define SHMAP_LATENCY_H

#include "lib/api/shmap.h"
#include "lib/latency/duration_scale.h"

/* On a mount's root, for its owner and root. */
#define SHMAP_XATTR_LATENCIES "user.shmapfs.latencies"

/* The requests of a kind, from the moment at which a thread begins with one until it has ended it.
 * Those that are answered later, by another thread, are not in it. */
struct latency {
    char name[24]; // as in shmap_request_count
    uint64_t of[DURATION_STEPS];
};

struct latencies {
    uint64_t pid; // of the worker: another one counts anew
    size_t count;
    struct latency all[SHMAP_REQUEST_KINDS];
};

/* Returns those of a kind. NULL: there are none. */
const struct latency *latency_of(const struct latencies *latencies, const char *name);

/* Returns how many requests there are in all steps. */
uint64_t latency_count(const uint64_t of[DURATION_STEPS]);

/* Returns a duration that so many of a hundred requests did not exceed, rounded up by a quarter at
 * most, in nanoseconds; 17 s stand for longer ones, too. 0: there are no requests. */
uint64_t latency_percentile(const uint64_t of[DURATION_STEPS], unsigned percent);

/* Reads them. Returns 0; -ENODATA: the mount is older than this; errors as of
 * shmap_requests_get(). */
int latencies_get(const char *mountpoint, struct latencies *latencies);

/* Return them as a JSON object, for free() (NULL: out of memory), in which each kind has pairs of
 * the end of a step and how many there are in it; and do the reverse, as far as there is room.
 * -EPROTO: it is no such object. */
char *latencies_to_json(const struct latencies *latencies);
int latencies_from_json(const char *json, struct latencies *latencies);

#endif
