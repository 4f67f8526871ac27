// SPDX-License-Identifier: BSD-2-Clause
/* The size of regular files, and the room that they have. */
#ifndef SHMAPFS_FILE_SIZE_H
#define SHMAPFS_FILE_SIZE_H

#include "fs/inode/inode.h"

/* Sets the size. setuid and setgid are cleared as for a caller without CAP_FSETID; NULL: they
 * stay. */
int file_truncate(struct inode *inode, off_t size, fuse_req_t caller);

/* Takes setuid and setgid away from a file as a write of this thread would, for one whose contents
 * do not go to its area at once. Returns 0 or a negative errno. */
int file_take_setid(struct inode *inode, int fd);

/* A change of contents that may take setuid and setgid away. */
struct setid_change {
    struct inode *inode;
    int fd;
    mode_t before; // 0: nothing can go
};

/* Lets the thread change contents until the end of the block as `caller`, who has setuid and setgid
 * taken away as natively; NULL: they stay. The kernel believes the mode that it knows, also when it
 * executes the file. So when bits have gone, it is told at the end of the block, before whoever
 * made the change has an answer. */
#define SETID_CHANGE __attribute__((cleanup(setid_change_end))) struct setid_change
struct setid_change setid_change_begin(struct inode *inode, int fd, fuse_req_t caller);
void setid_change_end(const struct setid_change *change);

/* Takes memory for pages of the daemon's, where the file is in a RAM area; returns whether it was
 * there. */
bool file_take_memory(const struct inode *inode, uint64_t bytes);

/* Reserves so many bytes of a file (lib/object/reserve.h); 0: gives the reserve back. -EOPNOTSUPP:
 * its class cannot promise room. */
int file_reserve(struct inode *inode, uint64_t bytes);

/* Calls fallocate(2) on a descriptor of the file. A RAM area has FALLOC_FL_ZERO_RANGE, too. */
int file_allocate(struct inode *inode, int fd, int mode, off_t offset, off_t length);

#endif
