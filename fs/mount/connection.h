// SPDX-License-Identifier: BSD-2-Clause
/* The connection to the kernel: libfuse's session and its mount. */
#ifndef SHMAPFS_CONNECTION_H
#define SHMAPFS_CONNECTION_H

#include "fs/mount/mount.h"

/* Checks that this kernel can have a connection. Returns 0, or a negative errno with a
 * complaint. */
int connection_check(struct complaint *complaint);

/* Makes the session and mounts. Returns 0, or a negative errno with a complaint. */
int connection_make(struct mount *mount, struct complaint *complaint);

/* Makes the session of a mount that is there already, over its connection. Returns 0 or a negative
 * errno. */
int connection_continue(struct mount *mount, int device);

/* Closes this process' end of the connection. The number of its descriptor stays taken: threads may
 * still use it. */
void connection_close(const struct mount *mount);

/* Unmounts, if the mount is still there, and ends the session. */
void connection_end(struct mount *mount);

#endif
