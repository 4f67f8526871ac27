// SPDX-License-Identifier: BSD-2-Clause
/*
 * A command whose /dev/shm is a shmapfs of its own.
 *
 * The calling process enters the namespace and has three children: the command, which is held until
 * the mount is ready; the daemon, which serves it; and the guardian, which ends both of them if
 * this process is killed. None of them outlives the command.
 */
#ifndef SHMAPCTL_RUN_H
#define SHMAPCTL_RUN_H

struct run_plan {
    const char **daemon_arguments; // with its name, and a NULL behind the last one
    int daemon_argument_count;
    const char *store; // NULL: all is RAM
    char **command;    // with its arguments, and a NULL behind the last one
};

/* Runs the command and returns its exit status, or the one that says why it did not start, after a
 * line on standard error. */
int run_plan_execute(const struct run_plan *plan);

#endif
