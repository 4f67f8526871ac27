// SPDX-License-Identifier: BSD-2-Clause
/* Descriptors by which the daemon reads and writes the contents of regular files. */
#ifndef SHMAPFS_FILE_IO_H
#define SHMAPFS_FILE_IO_H

#include "fs/inode/inode.h"

struct file_io {
    struct inode *inode; // the node's own descriptor was borrowed; NULL: this one is to be closed
    int fd;
};
#define FILE_IO      __attribute__((cleanup(file_io_end)))
#define FILE_IO_NONE ((struct file_io){ .fd = -1 })

/* A descriptor for reading contents, or for writing too. Returns 0 or a negative errno. */
int file_io_begin(struct inode *inode, bool writable, struct file_io *io);
void file_io_end(struct file_io *io);

/* Whether those who only read need one. FUSE's page cache reads through it for every open;
 * passthrough needs one for fsync and the like of writers, when they come to that. */
bool file_io_for_readers(const struct inode *inode);

/* Sees to it that an open node has a descriptor that its opens can use. `io_fd` is one for reading
 * and writing, which is consumed, or -1. The node's stripe is held. Returns 0 or a negative errno. */
int file_io_provide(struct inode *inode, bool writer, int io_fd);

#endif
