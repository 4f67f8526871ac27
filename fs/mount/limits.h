// SPDX-License-Identifier: BSD-2-Clause
/* The resource limits of whoever starts a mount, which are the daemon's. */
#ifndef SHMAPFS_LIMITS_H
#define SHMAPFS_LIMITS_H

#include <stdbool.h>

#include "lib/sys/complaint.h"

/* Raises the limits that would stop the mount one day. Returns 0, or -EPERM with a complaint: one
 * that may not be raised is too low. */
int limits_raise(struct complaint *complaint);

/* Has no core files written of this process and its children, which have their users' data in
 * memory. */
void limits_forbid_cores(void);

#endif
