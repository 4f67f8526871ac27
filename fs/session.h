// SPDX-License-Identifier: BSD-2-Clause
/* The conversation with the kernel: what is agreed on at its beginning, and who answers. */
#ifndef SHMAPFS_SESSION_H
#define SHMAPFS_SESSION_H

#include "mount.h"

/* The INIT operation. */
void session_init(void *userdata, struct fuse_conn_info *conn);

/* Answers the kernel's first request and finds out what works. 0, or a negative errno: the kernel
 * did not start the conversation. */
int session_start(struct mount *mount);

/* Serves until the mount is gone (0), or a signal ends it (1): then threads may be serving still.
 * `signals` are the ones that do, blocked in all threads. Or a negative errno: it cannot serve. */
int session_serve(struct mount *mount, const sigset_t *signals);

#endif
