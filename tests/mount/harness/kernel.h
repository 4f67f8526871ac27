// SPDX-License-Identifier: BSD-2-Clause
/* What the kernel that the cases run on has. */
#ifndef SHMAPFS_TESTS_KERNEL_H
#define SHMAPFS_TESTS_KERNEL_H

#include <stdbool.h>

/* Whether it is Linux MAJOR.MINOR or a later one. */
bool kernel_is_at_least(int major, int minor);

/* Whether it lets data of root's mounts pass by the daemon (Linux 6.9). */
bool kernel_has_passthrough(void);

#endif
