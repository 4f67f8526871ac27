// SPDX-License-Identifier: BSD-2-Clause
/* What a case does to the processes of a mount, and waits for. All waiting is bounded
 * (WAIT_SECONDS). */
#ifndef SHMAPFS_TESTS_PROCESS_H
#define SHMAPFS_TESTS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* Returns when the condition holds; otherwise fails the case with this complaint. */
void await_true(bool (*condition)(void *), void *argument, const char *complaint);

/* Stops all threads of a process; waits until somebody has. */
void stop_process(pid_t pid);
void await_stop(pid_t pid);

/* Returns how many descriptors a process has open. */
unsigned descriptors_of(pid_t pid);

/* Kills it, and returns when it has ended. */
void kill_and_wait(pid_t pid);

/* Returns when the process, which need not be a child, has ended. */
void await_end(pid_t pid);

#endif
