// SPDX-License-Identifier: BSD-2-Clause
/* A commit of all files of a mount that its end would commit. */
#ifndef SHMAPFS_SAVE_ALL_H
#define SHMAPFS_SAVE_ALL_H

#include "fs/journal/common_commit.h"
#include "fs/mount/mount.h"

/* Has the kernel write what was stored through mappings, and commits. Other threads must serve.
 * Returns when it is on the disk: 0 or a negative errno; -ENXIO: the daemon does not see its own
 * mount. */
int save_all(struct mount *mount, struct common_commit *done);

#endif
