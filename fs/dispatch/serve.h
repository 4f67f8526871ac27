// SPDX-License-Identifier: BSD-2-Clause
/* Serving one request: its steps, in its record (request.h) and in what belongs to the record: the
 * buffer with the bytes of the request, and a ledger of the node table. */
#ifndef SHMAPFS_SERVE_H
#define SHMAPFS_SERVE_H

#include "fs/inode/volume.h"

/* Return the beginning of a request's bytes, and its ledger. */
struct fuse_in_header *serve_header(const struct volume *volume, const struct request *request);
struct node_ledger *serve_ledger(struct volume *volume, const struct request *request);

/* Receives the next request; returns as read(2) does. */
ssize_t serve_receive(struct volume *volume, struct request *request);

/* Returns whether there may be more requests after that error: the client has given up, or the
 * kernel has given it EIO. */
bool serve_goes_on(int error);

/* Puts the bytes of a parked request into a record, as if it had just been received there. */
void serve_restore(struct volume *volume, struct request *request, int place, uint32_t length);

/* Asks the kernel whether it waits for the answer to a request that was received. It does if it has
 * copied all of the request, and there was no answer. Returns 1 if it waits, 0 if not, or a
 * negative errno. */
int serve_is_awaited(const struct volume *volume, const struct fuse_in_header *header);

/* Answers a request with an error without looking at it; without libfuse, which need not know
 * it. */
void serve_refuse(struct volume *volume, const struct request *request, int error);

/* Drops what was received: it is answered, or somebody else has it. */
void serve_drop(struct volume *volume, struct request *request);

/* Begins the request that was received: from here on a recovery finds it. */
void serve_begin(struct volume *volume, struct request *request);

/* Ends the wait that an INTERRUPT is about. Only waits for locks end; whatever else is interrupted
 * comes to its end soon. Not by libfuse, which would keep a list of all requests for it. */
void serve_interrupt(struct volume *volume, const struct fuse_in_header *header);

/* Carries a request out, and ends it unless it is left to the next process. */
void serve_request(struct volume *volume, struct request *request);

#endif
