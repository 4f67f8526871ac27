// SPDX-License-Identifier: BSD-2-Clause
/*
 * A child process for what a process cannot undo, such as its credentials. It may say only with its
 * exit status what was wrong: the number of the line, modulo 256.
 */
#ifndef CHILD_H
#define CHILD_H

#include "tests/unit/unit.h"

#include <sys/wait.h>
#include <unistd.h>

#define EXPECT(condition)          \
    do {                           \
        if (!(condition))          \
            _exit(__LINE__ & 255); \
    } while (0)

#define CHILD_CANNOT 77 /* the machine does not let the child try */

/* Runs check(argument) in a child; returns its exit status, 0 or CHILD_CANNOT. */
static inline int run_in_child(void (*check)(void *argument), void *argument)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        check(argument);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != CHILD_CANNOT))
        fail_msg("status %#x, line %d (modulo 256)", (unsigned)status, WEXITSTATUS(status));
    return WEXITSTATUS(status);
}

#endif
