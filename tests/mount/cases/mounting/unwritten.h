// SPDX-License-Identifier: BSD-2-Clause
/* Pages of files on a disk that the disk does not have yet. */
#ifndef SHMAPFS_TESTS_UNWRITTEN_H
#define SHMAPFS_TESTS_UNWRITTEN_H

#include "tests/mount/harness/harness.h"

#include <stdint.h>

/* How many pages of a file are dirty, or on their way to the disk. Skips the case where the kernel
 * cannot tell. */
uint64_t unwritten_pages(const char *path);

#endif
