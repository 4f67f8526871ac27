// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sees to it that who asks a mount for its status is not kept waiting for ever: no signal ends a request that a daemon
 * has read and does not answer.
 */
#ifndef SHMAPFS_TESTS_SURVIVE_WATCH_H
#define SHMAPFS_TESTS_SURVIVE_WATCH_H

#include "tests/mount/survive/survive.h"

struct survive_watch;

/* NULL, having said why, if there is no other process to be had. */
struct survive_watch *survive_watch_start(const char *mountpoint);
void survive_watch_stop(struct survive_watch *watch);

/* The status; but when it takes longer than a minute the keeper is killed, and with it the mount. */
int survive_watch_status(struct survive_watch *watch, struct survive_status *status);

#endif
