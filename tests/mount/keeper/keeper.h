// SPDX-License-Identifier: BSD-2-Clause
/*
 * A mount whose keeper is the case's own child, with all that its processes say in the file «log», for cases about how
 * they end. It is served by a keeper, or the case is skipped.
 */
#ifndef SHMAPFS_TESTS_SERVING_H
#define SHMAPFS_TESTS_SERVING_H

#include "tests/mount/workspace/workspace.h"

struct serving {
    const char *variable; // of the environment: names the binary; NULL: SHMAPFS
    bool with_store;
    const char *options;  // or NULL
    const char *fault;    // SHMAPFS_FAULT, or NULL
    bool halts;           // at points, see halt_at_point()
    const char *poison;   // SHMAPFS_POISON, or NULL
    unsigned descriptors; // the limit that it starts with; 0: the usual one
};

/* Returns the keeper's process id when it is mounted. */
pid_t serving_start(const struct workspace *workspace, const struct serving *serving);

/* Unmounts, and holds the keeper to exit status 0. */
void serving_stop(const struct workspace *workspace, pid_t keeper);

/* What an environment variable names; it must. */
const char *other_binary(const char *variable);

/* How many lines of the log have these words; and whether any has. */
unsigned log_lines(const char *words);
bool log_says(const char *words);

/* A child of the keeper whose title has this word, such as "serves"; 0: there is none. */
pid_t serving_child(pid_t keeper, const char *word);

/* The process that serves, as the keeper's children tell it; and the one that waits, once there is one. */
pid_t serving_worker(pid_t keeper);
pid_t serving_standby(pid_t keeper);

/* Stops all threads of a process. */
void halt(pid_t pid);

/* Returns when the worker of a mount with points of failure has stopped at this one; its SHMAPFS_HALT is the directory «halt» in
 * the case's own. */
void halt_at_point(pid_t worker, const char *point);

/* The two halves of it: somebody is to stop at the point; and has. */
void arm_point(const char *point);
void await_halt(pid_t pid);

/* Kills it, and returns when it has ended. */
void kill_and_wait(pid_t pid);

/* Returns when the process, which need not be a child, has ended. */
void await_end(pid_t pid);

/* Returns when the condition holds; fails the case after a minute, with this complaint. */
void await_true(bool (*condition)(void *), void *argument, const char *complaint);

#endif
