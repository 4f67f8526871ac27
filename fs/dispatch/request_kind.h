// SPDX-License-Identifier: BSD-2-Clause
/* The kind of a request: what it may wait for. The bytes of the request tell, and the node table;
 * no system call is needed. */
#ifndef SHMAPFS_REQUEST_KIND_H
#define SHMAPFS_REQUEST_KIND_H

#include "fs/inode/volume.h"

/* A higher kind takes the places of a lower one, too (admission.h). */
enum request_kind {
    REQUEST_RAM,    // for nothing
    REQUEST_LOOK,   // for the store
    REQUEST_CHANGE, // for the disk of the store
    REQUEST_KINDS_ALL
};

/* Returns the kind of the request whose bytes begin with `header`: so many as struct parked_head
 * has are there. */
enum request_kind request_kind_of(struct volume *volume, const struct fuse_in_header *header);

#endif
