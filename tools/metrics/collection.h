// SPDX-License-Identifier: BSD-2-Clause
/* The metrics that follow from the state of a mount. */
#ifndef SHMAPCTL_COLLECTION_H
#define SHMAPCTL_COLLECTION_H

#include "lib/api/shmap.h"
#include "tools/metrics/metrics.h"

/* Adds those of a mount that has told its state. */
void collect_mount(struct metrics *metrics, const char *mountpoint,
                   const struct shmap_status *status);

/* Adds how many requests of each kind it has served. */
void collect_requests(struct metrics *metrics, const char *mountpoint,
                      const struct shmap_requests *requests);

/* Adds those of a RAM area that a directory of it has for itself. */
void collect_own_area(struct metrics *metrics, const char *mountpoint,
                      const struct shmap_status *status, const struct shmap_own_area *area);

/* Adds those of a mount that has not told its state. */
void collect_silent_mount(struct metrics *metrics, const char *mountpoint);

#endif
