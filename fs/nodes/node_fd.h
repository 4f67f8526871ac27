// SPDX-License-Identifier: BSD-2-Clause
/*
 * The owners of descriptors: the node table knows of each number whether it is the mount's, a
 * node's, a directory stream's or nobody's. So descriptors that a dead process had opened and not
 * yet handed over can be found and closed.
 */
#ifndef SHMAPFS_NODE_FD_H
#define SHMAPFS_NODE_FD_H

#include <stdint.h>

#include "fs/nodes/node_table.h"

#define NODE_STREAM_NONE UINT64_MAX // the handle of no directory stream

/* Makes a descriptor the mount's own, for as long as the mount lives. */
void node_fd_keep(struct node_table *table, int fd);

/* Returns whether a descriptor is the mount's own. */
bool node_fd_is_kept(const struct node_table *table, int fd);

/* Takes back that a descriptor is the mount's own, if it is. */
void node_fd_drop(struct node_table *table, int fd);

/* Begins a directory stream. Returns its handle, which the kernel brings back. NODE_STREAM_NONE:
 * `fd` is not below NODE_FD_MAX, and is the caller's to close. */
uint64_t node_dir_open(struct node_table *table, struct node_ledger *ledger, int fd);

/* Returns the descriptor of a stream; -1: the handle is no stream's. */
int node_dir_fd(struct node_table *table, uint64_t fh);

/* Ends a stream. Returns its descriptor, for closing; -1: the handle is no stream's any more. */
int node_dir_close(struct node_table *table, struct node_ledger *ledger, uint64_t fh);

/* Closes every descriptor that has no owner. Only while no other thread or process opens any. */
void node_fd_sweep(struct node_table *table);

/* Lets descriptors that have an owner live through execve(2). -EBADF: one of them is not open. */
int node_fd_inherit(struct node_table *table);

#endif
