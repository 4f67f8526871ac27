// SPDX-License-Identifier: BSD-2-Clause
/* A request about a lock, as the kernel sends it: by whom, on what, and which lock. */
#ifndef SHMAPFS_LOCK_REQUEST_H
#define SHMAPFS_LOCK_REQUEST_H

#include <fcntl.h>

#include "fs/state/lock_table.h"

struct lock_request {
    struct lock_key key;
    uint64_t opening; // of the open that it came by
    bool writer;      // that open can write
    int type;         // F_RDLCK, F_WRLCK or F_UNLCK
    int64_t start, end;
    uint32_t process, user;
};

/* Returns whether two requests of different owners exclude each other. */
static inline bool lock_requests_conflict(const struct lock_request *one,
                                          const struct lock_request *other)
{
    return one->key.node == other->key.node && one->key.kind == other->key.kind &&
           one->key.owner != other->key.owner && one->start <= other->end &&
           other->start <= one->end && (one->type == F_WRLCK || other->type == F_WRLCK);
}

#endif
