// SPDX-License-Identifier: BSD-2-Clause
/* Ends a case that hangs, and says which it was. */
#ifndef SHMAPFS_TESTS_WATCHDOG_H
#define SHMAPFS_TESTS_WATCHDOG_H

#include "tests/mount/harness/harness.h"

/* In the runner: says which case begins now. */
void watchdog_case_begins(int pipe, const char *name);

/* Returns whether a case forked this process, which is not the runner then. */
bool is_child_of_case(void);

/* Waits for the runner. Returns its exit status; or -ETIMEDOUT when a case took too long, after it
 * has said which case, and what each process was waiting for. */
int watchdog_await_runner(pid_t runner, int pipe, const struct fixture *fixture);

#endif
