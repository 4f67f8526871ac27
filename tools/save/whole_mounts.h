// SPDX-License-Identifier: BSD-2-Clause
/* Commits of all that is uncommitted on mounts. */
#ifndef SHMAPCTL_WHOLE_MOUNTS_H
#define SHMAPCTL_WHOLE_MOUNTS_H

#include <stdbool.h>

/* Commits on one mount, or (NULL) on each that is the caller's, and says what. Returns the exit
 * status. */
int whole_mounts_save(const char *mountpoint, bool json);

#endif
