// SPDX-License-Identifier: BSD-2-Clause
/* Descriptors by which the daemon reads and writes the contents of regular files. */
#ifndef SHMAPFS_FILE_IO_H
#define SHMAPFS_FILE_IO_H

#include "fs/inode/inode.h"

struct file_io {
    struct inode *inode; // lent its node's descriptor; NULL: `fd` is to be closed
    int fd;
};
#define FILE_IO      __attribute__((cleanup(file_io_end)))
#define FILE_IO_NONE ((struct file_io){ .fd = -1 })

/* Provides a descriptor for reading contents, or for writing too. Returns 0 or a negative errno. */
int file_io_begin(struct inode *inode, bool writable, struct file_io *io);

/* Provides one for a single read that leaves the access time alone, as a client that has opened the
 * file with O_NOATIME wants it; the kernel has checked that it may. The node's descriptor is for
 * all opens. */
int file_io_begin_unseen(struct inode *inode, struct file_io *io);
void file_io_end(struct file_io *io);

/* Returns whether opens that only read need a descriptor. FUSE's page cache reads through it for
 * every open; with passthrough only writers need one, for fsync and the like, when they come to
 * that. */
bool file_io_for_readers(const struct inode *inode);

/* Gives an open node a descriptor that its opens can use. `io_fd` is one for reading and writing,
 * which is consumed, or -1. The node's stripe is held. Returns 0 or a negative errno. */
int file_io_provide(struct inode *inode, bool writer, int io_fd);

/* Prepares an open file for a mode that it is about to get. Its opens share one descriptor, and a
 * daemon that is no more than the owner could not have one for reading and writing any more. */
void file_io_expect_mode(struct inode *inode, mode_t mode);

/* Opens a file that is being opened for writing where servers keep it: that tells whether it is
 * there and can be written to, where the kernel, which opens it later, would report EIO. Keeps the
 * descriptor for file_io_flush(), unless many are in use. The stripe is held. Returns 0, -ESTALE or
 * -EROFS. */
int file_io_provide_flush(struct inode *inode);

/* Provides a file that is open for writing with a descriptor of its own before a name of it goes,
 * where its servers would give none afterwards. It stays until the last writer closes the file, if
 * `io` is not ended before the node is known to have lost its name. */
void file_io_expect_removal(struct inode *inode, struct file_io *io);

/* Has the client of a file's servers hand over what a writer that closes the file has written.
 * Returns 0 or a negative errno. */
int file_io_flush(struct inode *inode);

/* Waits until the contents are on the disk. Returns 0 or a negative errno. */
int file_io_sync(struct inode *inode, bool data_only);

/* Notes that data of a mapping, which the kernel believed written, was lost for this reason. From
 * now on fsync fails for all who have the file open, and so does reading what is missing. */
void file_io_note_loss(struct inode *inode, int error);

/* Returns whether bytes that are to be read may have been lost. */
bool file_io_is_lost(const struct inode *inode, int fd, off_t offset, size_t size);

/* Begins anew: the file is empty. */
void file_io_forget_loss(struct inode *inode);

#endif
