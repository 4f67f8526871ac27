// SPDX-License-Identifier: BSD-2-Clause
/*
 * The thread that keeps a store's servers from forgetting this host.
 *
 * GlusterFS' servers tell a host what another one has changed in a file for so long after it has
 * last asked about the file (features.cache-invalidation-timeout, 60 s by default). With
 * passthrough neither a mapping nor a read that a cache answers asks anything. So each file that is
 * open, or may be mapped, is asked about now and then.
 */
#ifndef SHMAPFS_KEEP_ALIVE_H
#define SHMAPFS_KEEP_ALIVE_H

#include "fs/inode/volume.h"

/* Starts the thread, if other hosts mount the store, too. Returns 0 or a negative errno. */
int keep_alive_start(struct volume *volume);

/* Ends it. Returns false if the store does not answer it: then it goes with the process. */
bool keep_alive_end(struct volume *volume);

/* Returns how many hosts had the store when it was last asked; 0: that is not known. */
unsigned keep_alive_hosts(const struct volume *volume);

#endif
