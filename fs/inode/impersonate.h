// SPDX-License-Identifier: BSD-2-Clause
/* Impersonation: a thread acts as the process that a request comes from while it creates something,
 * and otherwise as nobody (cred.h). */
#ifndef SHMAPFS_IMPERSONATE_H
#define SHMAPFS_IMPERSONATE_H

#include "fs/inode/volume.h"

/* Returns 0 or a negative errno. */
int impersonate_init(struct volume *volume);
void impersonate_destroy(struct volume *volume);

/* Takes on the caller's filesystem identity and umask. The kernel has checked that the caller may
 * create, and may keep setgid in `mode`. Returns 0, or a negative errno with the thread as it was:
 * it cannot have a umask of its own, and must create nothing. */
int impersonate_begin(struct volume *volume, fuse_req_t req, mode_t mode);

/* Ends the impersonation. The identity stays with the thread: changing it costs more than a small
 * file, and the next request often comes from the same caller. */
void impersonate_end(struct volume *volume, mode_t mode);

/* Makes the thread act as nobody again. Call it before anything else that allocates space in an
 * area which keeps some for root. */
void impersonate_none(struct volume *volume);

#endif
