// SPDX-License-Identifier: BSD-2-Clause
/*
 * Open regular files.
 *
 * An open handle has no record of its own. The node counts it, and the 64 bits that the kernel
 * brings back with each request (`fh`) hold the rest: whether the handle writes, and how many
 * errors of writeback the node had when it was opened.
 */
#ifndef SHMAPFS_FILE_H
#define SHMAPFS_FILE_H

#include "fs/inode/inode.h"

/* Counts an open by a caller, provides what the data path needs, and fills in the reply. `io_fd` is
 * a descriptor of the file, open for reading and writing, or -1; it is consumed. */
int file_open(struct inode *inode, struct fuse_file_info *fi, fuse_req_t caller, int io_fd);

/* Ends an open, also one whose reply did not arrive. */
void file_close(struct inode *inode, const struct fuse_file_info *fi);

/* Sets the size. setuid and setgid are cleared as for a caller without CAP_FSETID; NULL: they
 * stay. */
int file_truncate(struct inode *inode, off_t size, fuse_req_t caller);

/* Takes memory for pages of the daemon's, where the file is in a RAM area; returns whether it was
 * there. */
bool file_take_memory(const struct inode *inode, uint64_t bytes);

/* Reserves so many bytes of a file (lib/object/reserve.h); 0: gives the reserve back. */
int file_reserve(struct inode *inode, uint64_t bytes);

/* Calls fallocate(2) on a descriptor of the file. A RAM area has FALLOC_FL_ZERO_RANGE, too. */
int file_allocate(const struct inode *inode, int fd, int mode, off_t offset, off_t length);

/* Brings the contents to the disk. An error of writeback is reported through every handle that was
 * open when it happened. */
int file_sync(struct inode *inode, const struct fuse_file_info *fi, bool data_only);

#endif
