// SPDX-License-Identifier: BSD-2-Clause
/*
 * Files that grow by ftruncate(2) or fallocate(2), where FUSE's page cache carries the data.
 *
 * The kernel gives its inode the new size when whoever made the file grow has been woken up and
 * runs again. What somebody else's stat asks the daemon meanwhile is handed on to that one, but not
 * believed: the caller sees the new size, maps the file, and gets SIGBUS. Two processes that
 * meet in a new file (shm_open, ftruncate; shm_open, fstat) come across this, the more the busier
 * the machine is.
 *
 * So the kernel is told before anybody else is, by FUSE_NOTIFY_STORE, which sets the size first and
 * then copies data into the page cache. There is none to be copied: it is said to be at an address
 * where nothing is, and the kernel leaves the page as it was. To store a zero there would do no
 * less, but could overwrite what a process that is quick has stored in its mapping.
 *
 * Before that the kernel locks the page. Whoever has touched it in that very moment keeps it locked until the
 * daemon has read it, and a thread that waits for that can be neither interrupted nor killed. So the
 * telling is done by a process of its own, which shares memory and descriptors: nobody waits for it for
 * long, and a worker's end does not.
 *
 * What it costs is the file's last page, which stays in the page cache without contents.
 *
 * A write(2) that makes a file grow cannot be announced: the kernel keeps the pages locked until the
 * answer has come.
 */
#ifndef SHMAPFS_SIZE_NOTIFY_H
#define SHMAPFS_SIZE_NOTIFY_H

#include "fs/inode/inode.h"

/* Returns 0 or -ENOMEM. */
int size_notify_init(struct volume *volume);
void size_notify_destroy(struct volume *volume);

struct size_change {
    struct volume *volume; // NULL: there is nothing to tell
    uint64_t node;
};

/* Before the change: `fd` is the file, open, and `size` what it would have. */
struct size_change size_notify_begin(const struct inode *inode, int fd, off_t size);

/* After it, whether the file has grown to that size or not. */
void size_notify_end(const struct size_change *change, off_t size, bool grown);

/* For whoever has read a file's attributes and will tell them: waits, for a moment at most, until the
 * kernel knows of the size that the file has grown to. */
void size_notify_wait(const struct inode *inode);

#endif
