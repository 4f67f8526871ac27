// SPDX-License-Identifier: BSD-2-Clause
/*
 * Open regular files.
 *
 * An open handle has no record of its own. The node counts it, and the 64 bits that the kernel
 * brings back with each request (`fh`) hold the rest: whether the handle writes, how many
 * errors of writeback the node had when it was opened, and where locks are forwarded what tells it
 * from other handles.
 */
#ifndef SHMAPFS_FILE_H
#define SHMAPFS_FILE_H

#include "fs/inode/inode.h"

/* Counts an open by a caller, provides what the data path needs, and fills in the reply. */
int file_open(struct inode *inode, struct fuse_file_info *fi, fuse_req_t caller);

/* Does the same for a file that was just made. `io_fd` is a descriptor of it, open for reading and
 * writing, or -1 where its area passes through; it is consumed. */
int file_open_new(struct inode *inode, struct fuse_file_info *fi, fuse_req_t caller, int io_fd);

/* Count a file as open while its size is changed by name: it gets no other class meanwhile. */
void file_keep(struct inode *inode);
void file_let_go(struct inode *inode);

/* Has the servers of a store take what was written, as the close of a file there does. */
int file_flush(struct inode *inode, const struct fuse_file_info *fi);

/* Returns what a handle says: whether it writes, and what tells it from all others (0: nothing). */
static inline bool file_is_writer(const struct fuse_file_info *fi)
{
    return fi->fh & 1;
}

#define FILE_OPENING_SHIFT 17
static inline uint64_t file_opening(const struct fuse_file_info *fi)
{
    return fi->fh >> FILE_OPENING_SHIFT;
}

/* Ends an open, also one whose reply did not arrive. */
void file_close(struct inode *inode, const struct fuse_file_info *fi);

/* Brings the contents to the disk. An error of writeback is reported through every handle that was
 * open when it happened. */
int file_sync(struct inode *inode, const struct fuse_file_info *fi, bool data_only);

#endif
