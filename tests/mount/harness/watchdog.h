// SPDX-License-Identifier: BSD-2-Clause
/* Sees to it that a hang is reported and ended, and which case it was. */
#ifndef SHMAPFS_TESTS_WATCH_H
#define SHMAPFS_TESTS_WATCH_H

#include "tests/mount/harness/harness.h"

/* Runner: says which case begins now. */
void watch_tell(int pipe, const char *name);

/* Whether this process is one that a case forked, and not the runner itself. */
bool watch_is_child(void);

/* Waits for the runner. Returns its exit status; -ETIMEDOUT when a case took too long, having said
 * which and what each process was waiting for. */
int watch_runner(pid_t runner, int pipe, const struct fixture *fixture);

#endif
