// SPDX-License-Identifier: BSD-2-Clause
/* A mount whose store was mounted anew. */
#ifndef SHMAPCTL_REATTACH_H
#define SHMAPCTL_REATTACH_H

#include <stdbool.h>

/* Has the mount at a path go over to it; NULL: each mount whose store fails. Returns an exit
 * status, after a line for each that fails. */
int reattach_mounts(const char *mountpoint, bool json);

#endif
