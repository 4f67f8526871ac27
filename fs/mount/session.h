// SPDX-License-Identifier: BSD-2-Clause
/*
 * The agreement with the kernel at the beginning of the conversation.
 *
 * The kernel asks once, when the mount is made. Its question and the agreement are kept, so that
 * every later process can bring its own libfuse to the same agreement.
 */
#ifndef SHMAPFS_SESSION_H
#define SHMAPFS_SESSION_H

#include "fs/mount/mount.h"

/* The INIT operation. */
void session_init(void *userdata, struct fuse_conn_info *conn);

/* Receives the kernel's question. Returns 0 or a negative errno. */
int session_ask(struct mount *mount);

/* Tells whether the kernel lets a daemon talk over io_uring. */
bool session_can_use_uring(const struct mount *mount);

/* Answers the kernel's question. The first answer goes to the kernel; later ones must be equal to
 * it. -EPROTO: this one is not. */
int session_agree(struct mount *mount);

/* Does what a worker can do before its turn: comes to the agreement that another one has made, if
 * there is one, and brings the memory for requests into RAM. Returns 0 or a negative errno. */
int session_prepare(struct mount *mount);

/* Finds out what works, once the kernel has its answer: completes volume.info, and makes the
 * kernel's limits fit it. Returns 0 or a negative errno after a line in the log: the mount cannot
 * be without what does not work. */
int session_probe(struct mount *mount);

/* Plans the areas' data paths as far as they are known before the kernel has sent anything. */
void session_plan_data_paths(struct mount *mount);

/* Has the broker pass files through, where the daemon may not do that itself. The kernel has sent
 * its first request, and is not answered yet: by then it is to be known. Returns 0 or a
 * negative errno: that is no matter of the broker's. */
int session_try_broker(struct mount *mount);

#endif
