// SPDX-License-Identifier: BSD-2-Clause
/*
 * The state of the locks of a mount's files, in one process.
 *
 * Calls about one file come one after the other (`turns`): what a call finds in the area is noted
 * before the next call begins. A store that does not answer keeps the turns of its own files, and
 * none of a RAM area's. `lock` is for memory alone; nobody waits for a disk while it is held.
 */
#ifndef SHMAPFS_LOCKED_FILES_H
#define SHMAPFS_LOCKED_FILES_H

#include <sys/queue.h>

#include "fs/inode/volume.h"
#include "fs/locks/lock_request.h"

/* The first half of them are of RAM areas. */
#define LOCK_TURNS 64U

/* How many INTERRUPTs are remembered whose request is not known. */
#define LOCK_INTERRUPTS 1024U

TAILQ_HEAD(lock_waiters, lock_waiter);

struct lock_turn {
    struct lock lock; // held while a call about a file is under way
    // The rest is guarded by the lock of all.
    struct lock_waiters waiters;
    uint64_t look;      // when the store is asked again
    uint64_t unreached; // since when it cannot be asked; 0: it can
};

struct file_locks {
    struct lock_turn turns[LOCK_TURNS];
    struct lock lock; // guards the following, and the entries
    struct lock_table table;
    pthread_cond_t woken; // the thread that asks the store
    unsigned waiting;     // requests
    unsigned of_store;    // of them, those for locks of the store's files
    uint64_t interrupts[LOCK_INTERRUPTS];
    unsigned next_interrupt;
};

static inline struct lock_turn *lock_turn_of(struct volume *volume, uint64_t node)
{
    unsigned half = LOCK_TURNS / 2;
    unsigned base = node_area(&volume->nodes, node) == AREA_STORE ? half : 0;

    return &volume->locks->turns[base + (uint32_t)node % half];
}

#endif
