// SPDX-License-Identifier: BSD-2-Clause
/* The life of the processes of a mount: the keeper and its workers write it, the mount's status
 * shows it. It lies in shared memory. */
#ifndef SHMAPFS_LIFE_H
#define SHMAPFS_LIFE_H

#include <stdatomic.h>
#include <stdint.h>

#include "fs/util/clock.h"

enum life_ending {
    LIFE_ENDING = 1, // the keeper was told to end the mount
    LIFE_ENDED = 2,  // the mount has ended; a system call may still keep the worker
};

struct life {
    _Atomic int32_t keeper; // process ids; 0: there is none
    _Atomic int32_t worker;
    _Atomic uint64_t restarts;
    _Atomic uint64_t upgrades;
    char last_reason[128];         // of the last restart or upgrade; written while nobody serves
    _Atomic uint64_t died_at;      // the last death, in nanoseconds; 0: answered since
    _Atomic uint64_t last_stall;   // nanoseconds from a death to the first answer after it
    _Atomic uint32_t writes_begun; // WRITE requests; flush.c waits for the last one
    _Atomic uint32_t writes_ended;
    _Atomic uint64_t beats;     // of the worker; earlier versions count them
    _Atomic uint32_t ending;    // of enum life_ending
    _Atomic uint32_t crashed;   // the last worker died of itself, and was not killed
    _Atomic int32_t exec_error; // why the last upgrade's binary could not be executed; 0: it could
    // The period of the watchdog in seconds, plus 1; 0: an earlier version has made the mount.
    _Atomic uint32_t watchdog;
};

/* Notes that a request was answered. If a worker died before, its stall ends here. */
static inline void life_answered(struct life *life)
{
    uint64_t died_at = atomic_load_explicit(&life->died_at, memory_order_relaxed);

    if (died_at && atomic_compare_exchange_strong(&life->died_at, &died_at, 0))
        life->last_stall = clock_now() - died_at;
}

#endif
