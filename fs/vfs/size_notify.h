// SPDX-License-Identifier: BSD-2-Clause
/*
 * Notices of size changes: files that grow by ftruncate(2) or fallocate(2), where FUSE's page cache
 * carries the data.
 *
 * The kernel gives its inode the new size when the process that made the file grow has been woken
 * up and runs again. If another process calls stat meanwhile, the kernel hands on the daemon's
 * answer without believing it: the process sees the new size, maps the file, and gets SIGBUS. Two
 * processes that meet in a new file (shm_open, ftruncate; shm_open, fstat) come across this, the
 * more the busier the machine is.
 *
 * So the kernel is told before anybody else is, by FUSE_NOTIFY_STORE, which sets the size first and
 * then copies data into the page cache. There is no data to copy: the notice names an address where
 * nothing is, and the kernel leaves the page as it was. Writing a zero there would do no less, but
 * could overwrite what a quick process has written to its mapping.
 *
 * Before that the kernel locks the page. If a process touches the page in that very moment, the
 * page stays locked until the daemon has read it; so a process of its own sends the notice
 * (fs/notice/notice.h).
 *
 * The price is the file's last page, which stays in the page cache without contents.
 *
 * A write(2) that makes a file grow cannot be announced: the kernel keeps the pages locked until
 * the answer has come.
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

/* Begins a size change, before the file is changed: `fd` is the file, open, and `size` its new
 * size. */
struct size_change size_notify_begin(struct inode *inode, int fd, off_t size);

/* Ends a size change, whether the file has grown to that size or not. */
void size_notify_end(const struct size_change *change, off_t size, bool grown);

/* Waits, for a moment at most, until the kernel knows of the size that the file has grown to. For a
 * request that has read a file's attributes and will reply with them. */
void size_notify_wait(const struct inode *inode);

#endif
