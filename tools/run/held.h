// SPDX-License-Identifier: BSD-2-Clause
/*
 * A child process that is held back until all that it needs is there. Until then it can be
 * signalled and watched like any other process.
 */
#ifndef SHMAPCTL_HELD_H
#define SHMAPCTL_HELD_H

#include <sys/types.h>

struct held {
    pid_t pid;
    int pidfd;
    int gate; // the parent's end of a pipe, or the child's
};

/* Forks, like fork(2), a parent with one thread: returns 0 in the child, which is sent
 * `at_parents_end` when its parent dies (a change of its credentials makes the kernel forget that).
 * Returns the child's pid in the parent; -1 with errno. */
pid_t held_fork(struct held *held, int at_parents_end);

/* In the child: waits until it is released. Does not return when the parent ended instead. */
void held_wait(struct held *held);

/* In the parent: releases the child. */
void held_release(struct held *held);

/* Sends a signal to a child that may have ended long since, and never to another process. */
void held_kill(const struct held *held, int number);

#endif
