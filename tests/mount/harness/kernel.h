// SPDX-License-Identifier: BSD-2-Clause
/* The kernel that the cases run on, and the transport between it and the daemon. */
#ifndef SHMAPFS_TESTS_KERNEL_H
#define SHMAPFS_TESTS_KERNEL_H

#include <stdbool.h>

/* Returns whether the kernel is Linux MAJOR.MINOR or a later one. */
bool kernel_is_at_least(int major, int minor);

/* Returns whether the kernel lets data of root's mounts pass by the daemon (Linux 6.9). */
bool kernel_has_passthrough(void);

/* Return whether the options of the run (SHMAPFS_TEST_OPTIONS) ask for io_uring; for a store that
 * others use, which takes passthrough. */
bool is_over_uring(void);
bool is_shared(void);

/* The reason to skip what takes passthrough. */
#define NO_PASSTHROUGH "this kernel has no FUSE passthrough (Linux 6.9 has)"

#endif
