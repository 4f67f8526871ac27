// SPDX-License-Identifier: BSD-2-Clause
/* Acting in the name of the process that a request comes from, for as long as it takes to create
 * something. */
#ifndef SHMAPFS_CALLER_H
#define SHMAPFS_CALLER_H

#include "mount.h"

/* Takes on the caller's filesystem identity and umask. Whether the caller may create is for the
 * kernel to have checked; that it keeps setgid in `mode`, too. */
void caller_become(fuse_req_t req, mode_t mode);
void caller_leave(fuse_req_t req, mode_t mode);

#endif
