// SPDX-License-Identifier: BSD-2-Clause
/* How many pages of the RAM area are free. */
#ifndef SHMAPFS_TESTS_FREE_PAGES_H
#define SHMAPFS_TESTS_FREE_PAGES_H

#include <stdbool.h>
#include <sys/statvfs.h>

fsblkcnt_t free_pages(void);

/* Waits until that many are free, for a bounded time; returns whether they are. */
bool pages_become_free(fsblkcnt_t wanted);

#endif
