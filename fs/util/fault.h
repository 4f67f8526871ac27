// SPDX-License-Identifier: BSD-2-Clause
/* Fault injection: the named points of a request's life at which a build for tests kills its own
 * process. That build is linked with another fault.c; in every other build nothing happens
 * there. */
#ifndef SHMAPFS_FAULT_H
#define SHMAPFS_FAULT_H

#include <stdbool.h>

enum fault_point {
    FAULT_AFTER_READ,
    FAULT_BEFORE_EXECUTION,
    FAULT_AFTER_EXECUTION,
    FAULT_BEFORE_RECORD,
    FAULT_AFTER_RECORD,
    FAULT_AFTER_REPLY,
    FAULT_IN_FORGET,
    FAULT_AFTER_RESEND,  // in a recovery: unanswered requests come again, or are known
    FAULT_IN_REMOVAL,    // the name of a file has gone with its last user, and nothing tells of it
    FAULT_AFTER_REMOVAL, // the node tells, and the kernel does not know
    FAULT_IN_SWITCH,     // a file gets another class
    FAULT_IN_REATTACH,   // the store is opened anew, or was replaced in part
    FAULT_IN_AREA,       // what is a directory's own is being made, changed or closed
    FAULT_AFTER_END,     // the connection is closed, and what is open is not committed
};

struct fuse_in_header;

void fault_point(enum fault_point point);

/* Returns whether every kernel is taken for one that does not wait for what it writes back
 * (fs/vfs/hold.h). */
bool fault_hasty_kernel(void);

/* Returns whether every kernel is taken for one that does not send requests again. */
bool fault_forgetful_kernel(void);

/* Called when a request is about to be served; in a build for tests some requests are poison. */
void fault_request(const struct fuse_in_header *header);

#endif
