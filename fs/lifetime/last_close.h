// SPDX-License-Identifier: BSD-2-Clause
/*
 * Files that go with their last user (lib/class/lifetime.h).
 *
 * A file that nobody has open any more is listed here, and a thread of its own removes it if nobody
 * uses it. Without passthrough an open file is all the use that there is. With passthrough a
 * mapping has the area's file open, and nothing of the mount's; there a lease on the area's file
 * that is granted when nobody else has it open tells, and an event of its close wakes the thread.
 *
 * A name that was just looked up is about to be opened, so the file stays for some milliseconds
 * more. The open of one that has gone all the same is ESTALE, and then the kernel looks the name up
 * anew. An open counts first and then passes through the node's stripe; a removal holds the stripe
 * and takes place if no open is counted.
 *
 * The list is private memory. After the death of a process the next one searches the RAM
 * areas for all files that have such a lifetime.
 */
#ifndef SHMAPFS_LAST_CLOSE_H
#define SHMAPFS_LAST_CLOSE_H

#include "fs/inode/inode.h"
#include "lib/class/lifetime.h"

/* Returns 0 or -ENOMEM. */
int last_close_init(struct volume *volume);
void last_close_destroy(struct volume *volume);

/* Finishes, before anything is served, the removal that a process was at when it died. */
void last_close_recover(struct volume *volume);

/* Starts the thread, with a stack of so many bytes, if the mount has such files already; otherwise
 * it starts with the first. Returns 0 or a negative errno. */
int last_close_start(struct volume *volume, size_t stack_bytes);

/* Ends the thread, when nothing is served any more. */
void last_close_end(struct volume *volume);

/* Returns 0 if a mount can have such files; otherwise a negative errno, and `missing` says what it
 * needs. -EOPNOTSUPP: its RAM area has no attributes, or gives no leases. */
int last_close_check(struct volume *volume, const char **missing);

/* Does the same for a mount that was asked for them, and says so. */
int last_close_require(struct volume *volume);

/* Gives the lifetime of a directory to what was just made in it, if it has one of its own: by a
 * descriptor, or by its name. Return 0 or a negative errno. */
int last_close_inherit(const struct inode *dir, int fd);
int last_close_inherit_name(const struct inode *dir, const char *name);

/* Has such a file be known by another of its names, which is the one to go when no other is
 * left. */
void last_close_follow_name(const struct inode *inode, int dir, const char *name);

/* Notes that a name was looked up that stands for such a file. */
void last_close_looked_up(const struct inode *inode);

/* Does the same, and returns whether the file still has a name: false if it has gone meanwhile. */
bool last_close_is_there(struct inode *inode);

/* Returns whether a file was removed with its last user; then somebody has come too late. */
bool last_close_is_gone(const struct inode *inode);

/* Notes that a file may have lost its last user, or its name. */
void last_close_settle(struct inode *inode);

#endif
