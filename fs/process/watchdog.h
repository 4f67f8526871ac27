// SPDX-License-Identifier: BSD-2-Clause
/*
 * Whether a worker answers, as its keeper sees it: each time that the keeper tells its service manager
 * that it lives, it asks the worker for a beat, too.
 *
 * Beats are counted and not time, for all processes of a service may have been stopped together.
 */
#ifndef SHMAPFS_WATCHDOG_H
#define SHMAPFS_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

struct watchdog {
    uint64_t period; // of the manager, in microseconds; 0: it does not watch
    uint64_t next;   // when it is time for a beat
    uint64_t beats;  // that the worker has given
    uint64_t missed; // in a row
};

/* For poll(2): the milliseconds until it is time for a beat; -1: it never is. */
int watchdog_wait(const struct watchdog *watchdog);

/* Whether it is time now. If so, the next one is some time off. */
bool watchdog_is_due(struct watchdog *watchdog);

/* It is time: `beats` is what the worker has given until now. Returns whether it is stuck. One that
 * takes over, and does not serve yet, has no beats to give. */
bool watchdog_beat(struct watchdog *watchdog, uint64_t beats, bool serves);

/* It is another worker, or the same one at another task. */
void watchdog_reset(struct watchdog *watchdog);

#endif
