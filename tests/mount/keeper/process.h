// SPDX-License-Identifier: BSD-2-Clause
/* The things that a case does to the processes of a mount, and waits for. All waiting is bounded
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

/* Returns whether a process is there and has exactly this name, as ps(1) shows it. */
bool has_name(pid_t pid, const char *name);

/* Finds the children that the first thread of a process has; returns how many, and 0 where it has
 * ended. */
enum { CHILDREN_MOST = 16 };
int children_of(pid_t pid, pid_t children[CHILDREN_MOST]);

/* Returns how many descriptors a process has open. */
unsigned descriptors_of(pid_t pid);

/* Kills it, and returns when it has ended. */
void kill_and_wait(pid_t pid);

/* Returns when the process, which need not be a child, has ended. */
void await_end(pid_t pid);

#endif
