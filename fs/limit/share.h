// SPDX-License-Identifier: BSD-2-Clause
/*
 * Shares of the descriptors. A user pins a descriptor of the daemon with each file that he keeps
 * open where the kernel does not pass it through, and with each file or directory that he keeps in
 * use after its last name went; and two with each class root of his that the kernel knows. One user
 * can pin a part of all descriptors (`user_descriptors=`), and all users together can pin no more
 * than what leaves room for root. Root and the mount's owner can pin more than that, but leave room
 * for the daemon's own work. Beyond these bounds a call that would pin one more fails with ENFILE.
 *
 * The error is not EDQUOT: that would speak of space or files of the area, and send the user there.
 *
 * A descriptor that is only kept at hand counts for nobody: it makes room by itself.
 */
#ifndef SHMAPFS_SHARE_H
#define SHMAPFS_SHARE_H

#include "fs/inode/inode.h"

#define SHARE_PERCENT_DEFAULT 50

/* Checks whether a user may pin another descriptor; waits for a moment for those that are on their
 * way back. Returns 0 or -ENFILE. */
int share_check(struct volume *volume, uid_t user);

/* Counts from now on for a user what is pinned of an inode, unless it counts for somebody else. */
void share_count(struct inode *inode, uid_t user);

#endif
