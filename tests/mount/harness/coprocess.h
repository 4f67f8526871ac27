// SPDX-License-Identifier: BSD-2-Clause
/*
 * Another process, as the same user, that takes its turns with the case. Nothing is timed: each
 * side says when it is done and waits until the other has said so, at most PEER_SECONDS.
 *
 * A peer reports with peer_check(): cmocka's assertions belong to the case alone.
 */
#ifndef SHMAPFS_TESTS_PEER_H
#define SHMAPFS_TESTS_PEER_H

#include "tests/mount/harness/harness.h"

enum { PEER_SECONDS = 30 };

struct peer {
    pid_t pid; // in the peer itself: 0
    int in, out;
};

typedef int peer_body(struct peer *parent, void *argument);

/* In a body: returns 1 from it, with a message, if the condition does not hold. */
#define peer_check(condition)                              \
    do {                                                   \
        if (!(condition)) {                                \
            peer_complain(__FILE__, __LINE__, #condition); \
            return 1;                                      \
        }                                                  \
    } while (0)

void peer_complain(const char *file, int line, const char *condition);

/* Starts the body in another process. Returns 0 or a negative errno. */
int peer_start(struct peer *peer, peer_body *body, void *argument);

/* On both sides: hands over the turn; waits for it. False when the other side ended or took too
 * long. */
bool peer_tell(const struct peer *peer);
bool peer_hear(const struct peer *peer);

/* Waits for the process, and kills it when that takes too long.
 * Returns its exit status, or 128 + signal. */
int peer_wait(pid_t pid);

/* The same for a started peer, whose pipes are closed first. */
int peer_end(struct peer *peer);
#define assert_peer_well(peer) assert_int_equal(peer_end(peer), 0)

/* A peer without turns: runs the body to its end and returns what peer_end() returns. */
int peer_run(peer_body *body, void *argument);

#endif
