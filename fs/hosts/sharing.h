// SPDX-License-Identifier: BSD-2-Clause
/* The sharing of a store with other hosts: whether it can be had. */
#ifndef SHMAPFS_SHARING_H
#define SHMAPFS_SHARING_H

#include "fs/inode/volume.h"
#include "fs/options/options.h"

/* Checks whether the hosts that were said to use the store of a volume can use it: it is open.
 * Returns 0 or a negative errno after a complaint. */
int sharing_check(const struct volume *volume, const struct options *options,
                  struct complaint *complaint);

/* Checks whether files of a store that other hosts mount, too, pass through: that is known by now.
 * Returns 0 or a negative errno after a line in the log. */
int sharing_require(const struct volume *volume);

#endif
