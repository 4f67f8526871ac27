// SPDX-License-Identifier: BSD-2-Clause
/* What is known of the processes of a mount: written by the keeper and its workers, told by the
 * mount's status. In shared memory. */
#ifndef SHMAPFS_LIFE_H
#define SHMAPFS_LIFE_H

#include <stdatomic.h>
#include <stdint.h>

#include "fs/util/clock.h"

struct life {
    _Atomic int32_t keeper; // process ids; 0: there is none
    _Atomic int32_t worker;
    _Atomic uint64_t restarts;
    _Atomic uint64_t upgrades;
    char last_reason[128];       // of the last restart or upgrade; written while nobody serves
    _Atomic uint64_t died_at;    // in nanoseconds, when nobody has answered since then; otherwise 0
    _Atomic uint64_t last_stall; // nanoseconds from a death to the first answer after it
    _Atomic uint32_t writes_begun; // WRITE requests, for whoever waits for the last one
    _Atomic uint32_t writes_ended;
    _Atomic uint64_t beats;     // of the worker, for the watchdog
    _Atomic uint32_t ending;    // the keeper was told to end the mount
    _Atomic uint32_t crashed;   // the last one died of itself, and was not killed
    _Atomic int32_t exec_error; // why the last upgrade's binary could not be executed; 0: it could
};

/* A request was answered: if a death was before it, that ends the stall. */
static inline void life_answered(struct life *life)
{
    uint64_t died_at = atomic_load_explicit(&life->died_at, memory_order_relaxed);

    if (died_at && atomic_compare_exchange_strong(&life->died_at, &died_at, 0))
        life->last_stall = clock_now() - died_at;
}

#endif
