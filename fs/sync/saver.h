// SPDX-License-Identifier: BSD-2-Clause
/* The saver: a thread that saves files which are open for writing after the interval that their
 * directory has for that (lib/class/commit_mark.h), and changes the class of files that nobody uses
 * any more, where the last close found it in use. */
#ifndef SHMAPFS_SAVER_H
#define SHMAPFS_SAVER_H

#include "fs/mount/mount.h"

/* Starts the thread. Returns 0 or a negative errno. */
int saver_start(struct mount *mount);

/* Ends it, when nothing is served any more. */
void saver_end(struct mount *mount);

#endif
