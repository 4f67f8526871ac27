// SPDX-License-Identifier: BSD-2-Clause
/* In whose name a thread acts: as the process that a request comes from, for as long as it takes to
 * create something; at rest as nobody (cred.h). */
#ifndef SHMAPFS_IMPERSONATE_H
#define SHMAPFS_IMPERSONATE_H

#include "fs/inode/volume.h"

/* Returns 0 or a negative errno. */
int impersonate_init(struct volume *volume);
void impersonate_destroy(struct volume *volume);

/* Takes on the caller's filesystem identity and umask. Whether the caller may create is for the
 * kernel to have checked; that it keeps setgid in `mode`, too. */
void impersonate_begin(struct volume *volume, fuse_req_t req, mode_t mode);

/* Ends that. The identity stays with the thread: to change it costs more than a small file, and the
 * next one is often the same caller's. */
void impersonate_end(struct volume *volume, mode_t mode);

/* Before anything else is done that allocates space in an area which keeps some for root: the
 * thread acts as nobody again. */
void impersonate_none(struct volume *volume);

#endif
