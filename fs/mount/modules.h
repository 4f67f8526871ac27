// SPDX-License-Identifier: BSD-2-Clause
/* The modules of a volume: making and destroying the state that each of them keeps. */
#ifndef SHMAPFS_MODULES_H
#define SHMAPFS_MODULES_H

#include "fs/inode/volume.h"

/* Makes the modules' state, and the locks of the volume. Returns 0, or a negative errno with
 * nothing left behind. */
int modules_init(struct volume *volume);

void modules_destroy(struct volume *volume);

#endif
