// SPDX-License-Identifier: BSD-2-Clause
/* A command that stops at system calls of its own, so that something can happen just there. */
#ifndef SHMAPFS_TESTS_TRACED_COMMAND_H
#define SHMAPFS_TESTS_TRACED_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Starts shmapctl with these words, the first of which is its name; what it says goes to the file
 * "said". It is prepared by what returns 0, or NULL. */
pid_t start_traced(int (*prepare)(void), const char *const words[]);

/* Lets it run to the beginning of the next call that is wanted. Returns whether it has come to one;
 * else `status` is that of its end. */
bool go_to_next(pid_t pid, bool (*is_wanted)(uint64_t number), uint64_t *number, int *status);

/* Starts a command and kills it at the beginning of the call with that number among those that are wanted; a signal that it can
 * handle lets it end by itself. Returns whether it has come to that call; otherwise it succeeded. */
bool kill_traced_at(const char *const words[], bool (*is_wanted)(uint64_t number), int step,
                    int signal);

/* Asserts that it has said some words. */
void assert_said(const char *words);

#endif
