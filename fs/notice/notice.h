// SPDX-License-Identifier: BSD-2-Clause
/*
 * Notices that make the kernel wait for a lock: it may be held by a client that waits for the
 * daemon in turn, and a thread that waits for it can be neither interrupted nor killed. So a
 * process of its own writes the notice, which shares memory and descriptors: nobody waits for it
 * for long, and the end of a worker does not wait for it.
 */
#ifndef SHMAPFS_NOTICE_H
#define SHMAPFS_NOTICE_H

#include <linux/fuse.h>
#include <stddef.h>
#include <stdint.h>

struct notice {
    int code; // FUSE_NOTIFY_…
    union {
        struct fuse_notify_store_out store;
        struct fuse_notify_delete_out deleted;
        struct fuse_notify_inval_inode_out inode;
    } body;
    size_t body_bytes;
    const char *data; // what follows; NULL: an address where nothing is
    size_t data_bytes;
};

/* Writes a notice to the FUSE device, and if the kernel refuses that, the `other` one, unless that
 * is NULL. Waits for a moment at most. Returns 0, or a negative errno if nothing was begun. */
int notice_send(int device, const struct notice *notice, const struct notice *other);

/* Has the kernel drop all pages and the attributes of a node, and logs it if that is not begun. */
void notice_drop_contents(int device, uint64_t node);

#endif
