// SPDX-License-Identifier: BSD-2-Clause
/* Backing files: the files that the kernel's passthrough reads, writes and maps in place of a file
 * of the mount. */
#ifndef SHMAPFS_BACKING_H
#define SHMAPFS_BACKING_H

#include "fs/inode/volume.h"

/* Returns 0 or -ENOMEM. */
int backing_init(struct volume *volume);
void backing_destroy(struct volume *volume);

/* Registers the file of an open node, by its O_PATH descriptor and in the name of the calling
 * thread, and gives the node the id of the registration. Returns 0 or a negative errno. A
 * registration by O_PATH descriptor opens nothing: the file does not count as open for writing, so
 * that it can be executed, and leases on it tell who else uses it. */
int backing_register(struct volume *volume, struct node_ref *ref, int path_fd);

/* Closes a backing id that was taken off a node. */
void backing_close(struct volume *volume, int id);

/* Closes what another process may have registered and no node ever had. */
void backing_close_unheard(struct volume *volume);

enum backing_answer {
    BACKING_YES,
    BACKING_NO,
    BACKING_UNTRIED, // the area is read-only: it goes with the others
    BACKING_SILENCE, // the broker does not answer
};

/* Asks the broker whether it would register an area's files, and plans the area's data path by the
 * answer. */
enum backing_answer backing_ask_broker(struct volume *volume, unsigned area);

/* Finds out whether passthrough works for an area's files. Call it once the kernel has answered for
 * the connection. */
void backing_probe(struct volume *volume, unsigned area);

#endif
