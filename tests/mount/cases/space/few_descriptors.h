// SPDX-License-Identifier: BSD-2-Clause
/* The descriptors that the daemon keeps open. */
#ifndef SHMAPFS_TESTS_FEW_DESCRIPTORS_H
#define SHMAPFS_TESTS_FEW_DESCRIPTORS_H

#include "tests/mount/workspace/workspace.h"

/* The process that serves the mount. */
pid_t worker_of(const struct workspace *workspace);

/* Asserts that the daemon comes to have so many descriptors at most. */
void assert_few_descriptors(const struct workspace *workspace, unsigned most);

#endif
