// SPDX-License-Identifier: BSD-2-Clause
/* The daemon under test: started, waited for, unmounted, and held to its silence. */
#ifndef SHMAPFS_TESTS_DAEMON_H
#define SHMAPFS_TESTS_DAEMON_H

#include "tests/mount/harness/harness.h"
#include "tests/mount/harness/sandbox.h"

/* Starts $SHMAPFS for the fixture (area, nopassthrough, root, store and mnt are set) and returns when
 * the mount is there; sets fixture->daemon. The daemon's output goes to log. Returns 0 or a
 * negative errno, having said why. */
int daemon_start(const struct sandbox *sandbox, struct fixture *fixture, int log);

/* Unmounts as the user who mounted, and waits for the daemon's exit with status 0. Returns 0 or a
 * negative errno, having said why. */
int daemon_stop(const struct sandbox *sandbox, const struct fixture *fixture);

/* Says how the daemon ended if it has; returns whether it has. It is not reaped. */
bool daemon_has_ended(const struct fixture *fixture);

/* Shows what the daemon wrote to its log; returns whether there was anything. */
bool daemon_log_show(int log);

#endif
