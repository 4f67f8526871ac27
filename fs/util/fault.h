// SPDX-License-Identifier: BSD-2-Clause
/* The named points of a request's life at which a build for tests kills its own process: it is linked
 * with another fault.c. In every other build nothing happens there. */
#ifndef SHMAPFS_FAULT_H
#define SHMAPFS_FAULT_H

enum fault_point {
    FAULT_AFTER_READ,
    FAULT_BEFORE_EXECUTION,
    FAULT_AFTER_EXECUTION,
    FAULT_BEFORE_RECORD,
    FAULT_AFTER_RECORD,
    FAULT_AFTER_REPLY,
    FAULT_IN_FORGET,
    FAULT_AFTER_RESEND, // of a takeover: what was not answered comes again
};

struct fuse_in_header;

void fault_point(enum fault_point point);

/* A request is about to be served: some are poison. */
void fault_request(const struct fuse_in_header *header);

#endif
