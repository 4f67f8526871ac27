// SPDX-License-Identifier: BSD-2-Clause
/* The attributes of a file in the mount, held to those of the same file in the store. */
#ifndef SHMAPFS_TESTS_STORE_ATTRIBUTES_H
#define SHMAPFS_TESTS_STORE_ATTRIBUTES_H

#include "tests/mount/harness/harness.h"

#include <limits.h>
#include <time.h>

void assert_same_time(const char *what, struct timespec here, struct timespec there);
void assert_later(struct timespec now, struct timespec before);

/* The store's own path of a file of this case. */
void path_in_store(const struct fixture *fixture, const char *name, char path[PATH_MAX]);

/*
 * Holds a file of this case to the file behind it in the store. Nobody can see that file on other
 * areas, where this does nothing. ctime cannot be set: where the kernel holds writes back, the
 * store's is the time at which they got there.
 */
void assert_same_in_store(void **state, const char *name);

/*
 * Asserts that a write through a mapping has moved mtime. A tmpfs never moves it: on a memory area
 * the promise is only that stat tells the same by every way of asking.
 */
void assert_mapped_write_seen(const struct fixture *fixture, struct timespec before);

#endif
