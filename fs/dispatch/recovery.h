// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the death of a worker leaves for the next one.
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

#include "fs/inode/inode.h"

/* A request that is to be served first. */
struct resent {
    struct request *request;
    bool again; // it was begun before
    // What it is about to change keeps its descriptors until then.
    struct inode source;
    struct inode target;
};

struct recovery {
    unsigned count;
    struct resent resent[REQUESTS];
};

/* Takes over; to be called before there are other threads. Returns 0 or a negative errno; -ENODEV:
 * the mount is gone. */
int recovery_run(struct volume *volume, struct recovery *recovery);

/* Serves one of them. */
void recovery_serve(struct volume *volume, struct resent *resent);

#endif
