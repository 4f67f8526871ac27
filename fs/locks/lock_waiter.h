// SPDX-License-Identifier: BSD-2-Clause
/* Somebody who waits for a lock. */
#ifndef SHMAPFS_LOCK_WAITER_H
#define SHMAPFS_LOCK_WAITER_H

#include <sys/queue.h>

#include "fs/locks/lock_request.h"

struct lock_waiter {
    TAILQ_ENTRY(lock_waiter) link;
    struct lock_request request;
    uint64_t unique; // the kernel's number
    int place;       // where the request is parked
    uint64_t since;
    uint64_t unreached; // since when the store cannot be asked for it; 0: it can
    bool trying;        // the area is asked just now
    bool interrupted;   // meanwhile
};

#endif
