// SPDX-License-Identifier: BSD-2-Clause
/* The disturbance of a mount's processes while clients use it: its worker is killed, stopped for a
 * while, replaced by an upgrade. */
#ifndef SHMAPFS_TESTS_FUZZ_DISTURBER_H
#define SHMAPFS_TESTS_FUZZ_DISTURBER_H

#include "tests/mount/survive/status_watchdog.h"
#include "tests/mount/workspace/workspace.h"

struct disturber {
    const struct workspace *workspace;
    struct status_watchdog *watchdog;
    uint64_t random;
    int64_t due;  // when something is to happen next, in µs
    pid_t worker; // 0: nothing is to happen now
    unsigned kills, stops, upgrades;
};

/* Returns 0, or a negative errno, having said why. -ENOTSUP: the mount survives no deaths. */
int disturber_start(struct disturber *disturber, const struct workspace *workspace, uint64_t seed);
void disturber_stop(struct disturber *disturber);

/* Before a call is made, and while it is made: its end can be read from `answer`. Return 0, or a
 * negative errno, having said why. */
int disturber_prepare(struct disturber *disturber);
int disturber_act(struct disturber *disturber, int answer);

#endif
