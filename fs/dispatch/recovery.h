// SPDX-License-Identifier: BSD-2-Clause
/*
 * Recovery: what a worker does with what the death of another has left.
 *
 * In this order: the node table is made whole (node_table_attach); descriptors and backing ids that
 * nobody owns any more are closed; nodes that the kernel had told the dead worker to forget are
 * forgotten; the kernel sends its unanswered requests again, which are compared with the records. A
 * request that was begun gives back what it took, and is served again by the threads before they
 * receive anything new. A record whose request does not come again belongs to a request that was
 * answered, or to a client that was killed.
 */
#ifndef SHMAPFS_RECOVERY_H
#define SHMAPFS_RECOVERY_H

#include "fs/dispatch/request_pool.h"
#include "fs/inode/inode.h"

/* A request that comes again, to be served before new ones. */
struct resent {
    struct request *request;
    bool again; // the request was begun before
    // The nodes that the request is about to change; they keep their descriptors until it is
    // served.
    struct inode source;
    struct inode target;
};

struct recovery {
    struct request_pool
        *pool; // set before; the records of requests that are to be served are taken
    unsigned count;
    struct resent resent[REQUESTS];
};

/* Recovers. Call it before there are other threads. Returns 0 or a negative errno; -ENODEV: the
 * mount is gone. */
int recovery_run(struct volume *volume, struct recovery *recovery);

/* Serves a request that comes again. */
void recovery_serve(struct volume *volume, struct recovery *recovery, struct resent *resent);

#endif
