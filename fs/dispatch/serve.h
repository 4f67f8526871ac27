// SPDX-License-Identifier: BSD-2-Clause
/* What one request goes through, in its record (request.h) and in what belongs to that: the buffer with
 * its bytes, and a ledger of the node table. */
#ifndef SHMAPFS_SERVE_H
#define SHMAPFS_SERVE_H

#include "fs/inode/volume.h"

/* The beginning of its bytes; and its ledger. */
struct fuse_in_header *serve_header(const struct volume *volume, const struct request *request);
struct node_ledger *serve_ledger(struct volume *volume, const struct request *request);

/* Receives the next one; returns as read(2) does. */
ssize_t serve_receive(struct volume *volume, struct request *request);

/* Takes up the one that was received: from here on it is known to whoever takes over. */
void serve_begin(struct volume *volume, struct request *request);

/* Carries it out, and ends it unless it is left to the next process. */
void serve_request(struct volume *volume, struct request *request);

#endif
