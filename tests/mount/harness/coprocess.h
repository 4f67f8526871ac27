// SPDX-License-Identifier: BSD-2-Clause
/*
 * Another process, as the same user, that takes its turns with the case. Nothing is timed: each
 * side says when it is done and waits until the other has said so, at most WAIT_SECONDS.
 *
 * A coprocess reports with coprocess_check(): cmocka's assertions belong to the case alone.
 */
#ifndef SHMAPFS_TESTS_COPROCESS_H
#define SHMAPFS_TESTS_COPROCESS_H

#include "tests/mount/harness/harness.h"

struct coprocess {
    pid_t pid; // in the coprocess itself: 0
    int in, out;
};

typedef int coprocess_body(struct coprocess *parent, void *argument);

/* In a body: returns 1 from it, with a message, if the condition does not hold. */
#define coprocess_check(condition)                              \
    do {                                                        \
        if (!(condition)) {                                     \
            coprocess_complain(__FILE__, __LINE__, #condition); \
            return 1;                                           \
        }                                                       \
    } while (0)

void coprocess_complain(const char *file, int line, const char *condition);

/* Starts the body in another process. Returns 0 or a negative errno. */
int coprocess_start(struct coprocess *coprocess, coprocess_body *body, void *argument);

/* Both sides hand over the turn, and wait for it. False when the other side has ended or takes too
 * long. */
bool coprocess_give_turn(const struct coprocess *coprocess);
bool coprocess_await_turn(const struct coprocess *coprocess);

/* Waits for the process, and kills it when that takes too long.
 * Returns its exit status, or 128 + signal. */
int wait_for_process(pid_t pid);

/* Closes the pipes to a started coprocess, and waits for it in the same way. */
int coprocess_end(struct coprocess *coprocess);
#define assert_coprocess_succeeds(coprocess) assert_int_equal(coprocess_end(coprocess), 0)

/* A coprocess without turns: runs the body to its end and returns what coprocess_end() returns. */
int coprocess_run(coprocess_body *body, void *argument);

#endif
