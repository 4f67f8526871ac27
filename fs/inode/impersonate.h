// SPDX-License-Identifier: BSD-2-Clause
/* In whose name a thread acts: as the process that a request comes from, for as long as it takes to
 * create something; at rest as nobody (cred.h). */
#ifndef SHMAPFS_CALLER_H
#define SHMAPFS_CALLER_H

#include "fs/mount/mount.h"

/* Makes ready what the functions below keep for each thread. */
void caller_setup(struct mount *mount);

/* Takes on the caller's filesystem identity and umask. Whether the caller may create is for the
 * kernel to have checked; that it keeps setgid in `mode`, too. */
void caller_become(fuse_req_t req, mode_t mode);

/* Ends that. The identity stays with the thread: to change it costs more than a small file, and the
 * next one is often the same caller's. */
void caller_leave(fuse_req_t req, mode_t mode);

/* Before anything else is done that allocates space in an area which keeps some for root: the
 * thread acts as nobody again. */
void caller_rest(struct mount *mount);

#endif
