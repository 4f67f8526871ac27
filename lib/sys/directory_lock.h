// SPDX-License-Identifier: BSD-2-Clause
/*
 * The lock of a directory (flock(2)), which keeps one daemon of ours from another.
 *
 * Everybody who may read a directory can lock it. So a lock that is held counts only if a daemon of
 * root's or of our own user holds it, as far as /proc shows that. A stranger's lock keeps nobody
 * away, and the directory stays without a lock of ours.
 */
#ifndef SHMAP_DIRECTORY_LOCK_H
#define SHMAP_DIRECTORY_LOCK_H

#include <sys/types.h>

/* Takes the lock of a directory; `kind` is LOCK_EX, or LOCK_SH with others that take it so. Returns
 * 0, also where strangers hold it, or a negative errno; -EBUSY: another daemon has it. */
int directory_lock(int dir, int kind);

/* Returns a daemon of root's or of our own user that has the lock of an open file or directory, its
 * keeper if it has one; 0: none can be seen. */
pid_t directory_lock_holder(int fd);

#endif
