// SPDX-License-Identifier: BSD-2-Clause
/*
 * A mount whose keeper is the case's own child, for cases about how its processes end. Their
 * messages go to the file «log». Where the mount cannot survive a death, the case is skipped.
 */
#ifndef SHMAPFS_TESTS_KEEPER_H
#define SHMAPFS_TESTS_KEEPER_H

#include "tests/mount/keeper/process.h"
#include "tests/mount/workspace/workspace.h"

struct keeper_settings {
    const char *variable; // the environment variable that names the binary; NULL: SHMAPFS
    bool with_store;
    const char *options;  // or NULL
    const char *fault;    // SHMAPFS_FAULT, or NULL
    bool stops_at_points; // see crashpoint.h
    const char *poison;   // SHMAPFS_POISON, or NULL
    const char *stuck;    // SHMAPFS_STUCK, or NULL
    unsigned descriptors; // the limit that it starts with; 0: the usual one
};

/* Returns the keeper's process id when it is mounted. */
pid_t keeper_start(const struct workspace *workspace, const struct keeper_settings *settings);

/* Unmounts, and holds the keeper to exit status 0. */
void keeper_stop(const struct workspace *workspace, pid_t keeper);

/* Waits for the end of a mount whose keeper was killed, and for that of its processes. */
void keeper_await_end_of_mount(struct workspace *workspace);

/* The binary that an environment variable names; fails the case if it names none. */
const char *binary_in(const char *variable);

/* How many lines of the log have these words; and whether any has. */
unsigned log_lines(const char *words);
bool log_says(const char *words);

/* Waits until a line of the log has these words. */
void await_log(const char *words);

/* A child of the keeper whose title has this word, such as "serves"; 0 if there is none. */
pid_t keeper_child(pid_t keeper, const char *word);

/* Wait for the child that serves, and for the one that stands by; by their titles. */
pid_t keeper_worker(pid_t keeper);
pid_t keeper_standby(pid_t keeper);

#endif
