// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ends a mount that does not tell its status: no signal ends the request for it once a daemon has
 * read it, so the process that asks would wait for ever.
 */
#ifndef SHMAPFS_TESTS_STATUS_WATCHDOG_H
#define SHMAPFS_TESTS_STATUS_WATCHDOG_H

#include "tests/mount/survive/survive.h"

struct status_watchdog;

/* Starts a process that watches. Returns NULL, having said why, if that fails. */
struct status_watchdog *status_watchdog_start(const char *mountpoint);
void status_watchdog_stop(struct status_watchdog *watchdog);

/* Reads the status. When that takes longer than a minute, kills the keeper and with it the
 * mount. */
int status_watchdog_read(struct status_watchdog *watchdog, struct mount_status *status);

#endif
