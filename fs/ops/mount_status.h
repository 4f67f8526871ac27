// SPDX-License-Identifier: BSD-2-Clause
#ifndef SHMAPFS_MOUNT_STATUS_H
#define SHMAPFS_MOUNT_STATUS_H

#include "fs/inode/inode.h"

/* Returns the state of a mount as JSON (shmap_status_to_json), for free(). NULL: there is no memory
 * for it, or an area does not answer. */
char *mount_status(struct volume *volume);

/* Finds how many requests were served, as JSON (shmap_requests_to_json), for free(); NULL: there is
 * no memory for it. Returns 0; -EOPNOTSUPP: over io_uring, requests have no record to be counted
 * with. */
int mount_requests(struct inode *inode, char **value);

/* Finds how long they lasted, likewise (latencies_to_json). */
int mount_latencies(struct inode *inode, char **value);

#endif
