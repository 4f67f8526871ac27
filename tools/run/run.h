// SPDX-License-Identifier: BSD-2-Clause
/*
 * A command whose /dev/shm is a shmapfs of its own, or another directory; and others that join it.
 *
 * The calling process enters the namespace and has three children: the command, which is held until
 * the mount is ready; the daemon, which serves it; and the guardian, which ends both of them if
 * this process is killed. None of them outlives the command and those that have joined.
 */
#ifndef SHMAPCTL_RUN_H
#define SHMAPCTL_RUN_H

#include <limits.h>

#define SHM_DIRECTORY "/dev/shm"

struct run_plan {
    const char **daemon_arguments; // with its name, and a NULL behind the last one
    int daemon_argument_count;
    char lifetime_option[64];  // one of these
    const char *store;         // NULL: all is RAM
    const char *name;          // of the run; NULL: it has none
    const char *join;          // a run to be joined, of which all of the above is; NULL: none
    char mountpoint[PATH_MAX]; // absolute and without symlinks
    char **command;            // with its arguments, and a NULL behind the last one
};

/* Runs the command and returns its exit status, or the one that says why it did not start, after a
 * line on standard error. */
int run_plan_execute(const struct run_plan *plan);

#endif
