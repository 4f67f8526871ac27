// SPDX-License-Identifier: BSD-2-Clause
/*
 * Open regular files.
 *
 * An open handle has no record of its own: the node counts it, and what else must be known of it is
 * in the 64 bits that the kernel brings back with each request (`fh`): whether it writes, and how
 * many errors of writeback the node had when it was opened.
 */
#ifndef SHMAPFS_FILE_H
#define SHMAPFS_FILE_H

#include "fs/inode/inode.h"

/* Counts an open, sees to what the data path needs, and fills in the reply. `io_fd` is a descriptor
 * of the file, open for reading and writing, or -1; it is consumed. */
int file_open(struct inode *inode, struct fuse_file_info *fi, int io_fd);

/* Ends an open, also one whose reply did not arrive. */
void file_close(struct inode *inode, const struct fuse_file_info *fi);

/* Sets the size; without `keep_setid` setuid and setgid are cleared, as for a caller without
 * CAP_FSETID. */
int file_truncate(struct inode *inode, off_t size, bool keep_setid);

/* fallocate(2) by a descriptor of the file. */
int file_allocate(const struct inode *inode, int fd, int mode, off_t offset, off_t length);

/* Brings the contents to the disk; an error of writeback is reported through every handle that was
 * open when it happened. */
int file_sync(struct inode *inode, const struct fuse_file_info *fi, bool data_only);

#endif
