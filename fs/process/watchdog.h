// SPDX-License-Identifier: BSD-2-Clause
/*
 * The watchdog: whether a worker answers, as its keeper sees it.
 *
 * Each time that the keeper tells its service manager that it lives, it asks the worker for a beat,
 * too. The watchdog counts beats and not time, because all processes of a service may have been
 * stopped together.
 */
#ifndef SHMAPFS_WATCHDOG_H
#define SHMAPFS_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

struct watchdog {
    uint64_t period; // of the manager, in microseconds; 0: it does not watch
    uint64_t next;   // when the next beat is due
    uint64_t beats;  // how many beats the worker has given
    uint64_t missed; // beats missed in a row
};

/* Returns the milliseconds until a beat is due, for poll(2); -1: none ever is. */
int watchdog_wait(const struct watchdog *watchdog);

/* Whether a beat is due now. If so, the next one is due some time later. */
bool watchdog_is_due(struct watchdog *watchdog);

/* Counts a beat that is due: `beats` is how many the worker has given until now. Returns whether
 * the worker is stuck. A worker that recovers, and does not serve yet, has no beats to give. */
bool watchdog_beat(struct watchdog *watchdog, uint64_t beats, bool serves);

/* Resets the watchdog for another worker, or for the same one at another task. */
void watchdog_reset(struct watchdog *watchdog);

#endif
