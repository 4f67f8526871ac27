// SPDX-License-Identifier: BSD-2-Clause
/* What the modules of a volume keep for themselves. */
#ifndef SHMAPFS_MODULES_H
#define SHMAPFS_MODULES_H

#include "fs/inode/volume.h"

/* Makes it, and the locks of the volume. Returns 0, or a negative errno with nothing left behind. */
int modules_init(struct volume *volume);

void modules_destroy(struct volume *volume);

#endif
