// SPDX-License-Identifier: BSD-2-Clause
/*
 * The members of a run, and how a run is found.
 *
 * The first shmapctl of a run holds a memory file that is called by the run's name. Another
 * shmapctl of the same user finds that in /proc and opens it there; other users cannot, and there
 * is no file to be left behind and no name to be taken by a stranger. Each member has it
 * locked (flock(2)), shared; the first one locks it for itself alone until the mount is there, and
 * again at the end: that waits for all others, and then nobody joins any more. The kernel lets go
 * of the lock of a process that is killed.
 */
#ifndef SHMAPCTL_MEMBERSHIP_H
#define SHMAPCTL_MEMBERSHIP_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* How long a run's name may be, with its end. */
#define RUN_NAME_MAX 65

/* Makes this process the first one of a run, which nobody can join yet. An empty name: it has none.
 * Returns the memory file; or -1 after a line on standard error, above all if the user has a run of
 * that name. */
int membership_found(const char *name, const char *mountpoint);

/* Returns whether a process, by its directory in /proc, is called as the processes of runs are. */
bool membership_is_shmapctl(int process);

/* Lets others join. */
void membership_open(int run);

/* Ends the run if nobody but this process takes part. Returns whether nobody can join any more. */
bool membership_end(int run);

/* Starts a child that ends when all others may have left. Returns its pid; -1 with errno. */
pid_t membership_start_waiter(int run);

/* A run that this process takes part in until it ends. */
struct membership {
    int process;               // the directory of the first process in /proc
    int pidfd;                 // of the first process
    char mountpoint[PATH_MAX]; // empty: unknown
};

/* Joins the run of that name, or the one that a process, by its number, is in. Waits until that can
 * be joined. Returns 0, or -1 after a line on standard error. */
int membership_join(const char *whom, struct membership *membership);

#endif
