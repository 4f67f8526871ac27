// SPDX-License-Identifier: BSD-2-Clause
/*
 * The watchdog: whether a worker is stuck, as its keeper sees it.
 *
 * The worker gives no sign of life. It is stuck if requests wait in the kernel's queue and nobody
 * takes one for the watchdog's period. The kernel tells whether requests wait, and a worker cannot
 * take one without changing the memory that it shares with its keeper. So the worker does nothing
 * for the watchdog. While nobody uses the mount, the watchdog sleeps until the next request.
 *
 * Not every worker that takes nothing is stuck. Where a thread waits for a disk, a kill would wait
 * for the disk, too, and so would the next worker. A worker that gets no processor would not get
 * one after a kill either. A debugger stops threads on purpose. So the watchdog looks at the
 * threads, several times, and a worker is stuck only if it looks like that each time. It counts
 * looks and not time, because keeper and worker may have been stopped together.
 */
#ifndef SHMAPFS_WATCHDOG_H
#define SHMAPFS_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/state/state.h"
#include "lib/process/patience.h"

struct watchdog {
    struct patience patience; // since the worker last took something; a period of 0: nobody watches
    bool awake;               // it looks from time to time; otherwise it waits for a request
    uint64_t next;            // when the next look is due
    uint64_t taken;           // what the worker had taken at the last look
};

/* The worker that is watched. */
struct watched {
    const struct state *state;
    int device; // the FUSE connection
    pid_t worker;
    bool serves; // otherwise it recovers, and requests wait for it that are not in the queue
};

/* Returns the period that the mount was made with. */
uint64_t watchdog_period(const struct life *life);

/* Begins to watch a worker, or the same one at another task. */
void watchdog_begin(struct watchdog *watchdog, uint64_t period);

/* Returns whether the watchdog sleeps. watchdog_wake() is due when a request is in the queue. */
bool watchdog_sleeps(const struct watchdog *watchdog);
void watchdog_wake(struct watchdog *watchdog);

/* Returns the milliseconds until a look is due, for poll(2); -1: none is. */
int watchdog_wait(const struct watchdog *watchdog);

/* Looks at the worker, if that is due. Returns whether it is stuck. */
bool watchdog_look(struct watchdog *watchdog, const struct watched *watched);

/* Watches the active worker in the place of a keeper that was killed: returns when the worker, a
 * descriptor of whose process this is, has ended, and kills it if it is stuck. */
void watchdog_follow(const struct state *state, int device, int pidfd);

#endif
