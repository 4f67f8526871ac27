// SPDX-License-Identifier: BSD-2-Clause
/*
 * Waits for each other that no unlock would end. They are found among the owners of one mount: as
 * for the kernel, a lock of another host's may always be given up.
 *
 * The kernel does not say whether an owner is a process or an open file, whose locks any of its
 * threads may give up. So a circle in which one process comes twice is none.
 */
#ifndef SHMAPFS_DEADLOCK_H
#define SHMAPFS_DEADLOCK_H

#include <stdbool.h>

#include "fs/locks/locked_files.h"

/* Returns whether a request would wait for an owner who waits for the request's. The lock of all is
 * held. */
bool deadlock_would_come(const struct volume *volume, const struct lock_request *request);

#endif
