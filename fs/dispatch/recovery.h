// SPDX-License-Identifier: BSD-2-Clause
/*
 * Recovery: what a worker does with what the death of another has left.
 *
 * In this order: the node table is made whole (node_table_attach); descriptors and backing ids that
 * nobody owns any more are closed; nodes that the kernel had told the dead worker to forget are
 * forgotten; the kernel's unanswered requests are compared with the records. A request that was
 * begun gives back what it took, and is served again by the threads before they receive anything
 * new. A record whose request is not among them belongs to a request that was answered, or to a
 * client that was killed.
 *
 * Since Linux 6.9 the kernel sends unanswered requests again, when it is asked to. Before, the
 * worker looks at all that was received, which is in the buffers of records or parked, and asks the
 * kernel about each whether it waits for an answer (serve_is_awaited). A request that was copied in
 * part, because the worker died meanwhile, is not one: the kernel has ended it with an error. A
 * request whose answer was recorded and maybe not sent is one only if it was not sent.
 */
#ifndef SHMAPFS_RECOVERY_H
#define SHMAPFS_RECOVERY_H

#include "fs/dispatch/admission.h"
#include "fs/dispatch/request_pool.h"
#include "fs/inode/inode.h"

/* A request that was begun and is still unanswered, to be served before others. */
struct resent {
    struct request *request;
    // The nodes that the request is about to change; they keep their descriptors until it is
    // served.
    struct inode source;
    struct inode target;
};

struct recovery {
    // Set before: the records of requests that are to be served are taken from the pool, and what
    // was not begun is deferred.
    struct request_pool *pool;
    struct admission *admission;
    unsigned count;
    struct resent resent[REQUESTS];
};

/* Recovers. Call it before there are other threads. Returns 0 or a negative errno; -ENODEV: the
 * mount is gone. */
int recovery_run(struct volume *volume, struct recovery *recovery);

/* Serves such a request, and gives back its record. */
void recovery_serve(struct volume *volume, struct resent *resent);
void recovery_end(struct recovery *recovery, struct resent *resent);

#endif
