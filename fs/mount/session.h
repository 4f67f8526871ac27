// SPDX-License-Identifier: BSD-2-Clause
/*
 * The conversation with the kernel: what is agreed on at its beginning.
 *
 * The kernel asks once, when the mount is made. The question and what was agreed on are kept, so that
 * every later process can bring its own libfuse to the same agreement.
 */
#ifndef SHMAPFS_SESSION_H
#define SHMAPFS_SESSION_H

#include "fs/mount/mount.h"

/* The INIT operation. */
void session_init(void *userdata, struct fuse_conn_info *conn);

/* Receives the kernel's question. Returns 0 or a negative errno. */
int session_ask(struct mount *mount);

/* Whether the kernel sends requests again that were not answered, as the next process needs it. */
bool session_can_be_continued(const struct mount *mount);

/* Finds the answer; the first one is given to the kernel, later ones must be the same. -EPROTO: it
 * is not. */
int session_agree(struct mount *mount);

/* All of that for a session which is to talk over io_uring: libfuse asks and answers by itself. */
int session_agree_uring(struct mount *mount);

/* Finds out what works, once the kernel has its answer: completes volume.info, and has the kernel's
 * limits fit them. */
void session_probe(struct mount *mount);

#endif
