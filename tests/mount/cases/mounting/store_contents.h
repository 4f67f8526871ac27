// SPDX-License-Identifier: BSD-2-Clause
/* Data that a mount leaves in its store. */
#ifndef SHMAPFS_TESTS_STORE_CONTENTS_H
#define SHMAPFS_TESTS_STORE_CONTENTS_H

#include "tests/mount/workspace/workspace.h"

/* Writes data that nobody syncs, by a mapping and a descriptor, and closes both. */
void leave_dirty_data(void);

/* Asserts that all of that data is in the store. */
void assert_store_is_complete(void);

#endif
