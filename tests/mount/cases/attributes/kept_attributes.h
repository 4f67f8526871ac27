// SPDX-License-Identifier: BSD-2-Clause
/* Files whose attributes the kernel keeps, on a mount whose workers stop at points. */
#ifndef SHMAPFS_TESTS_KEPT_ATTRIBUTES_H
#define SHMAPFS_TESTS_KEPT_ATTRIBUTES_H

#include "tests/mount/workspace/workspace.h"

pid_t start_with_crashpoints(const struct workspace *workspace);

/* Returns when the kernel knows all that a path to a file in the mount takes, and every RELEASE has
 * been received. */
void make_known(const char *path);

#endif
