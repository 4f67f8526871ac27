// SPDX-License-Identifier: BSD-2-Clause
/*
 * Points of a request's life at which a worker of the build with points of failure
 * ($SHMAPFS_FAULTS) stops. Its $SHMAPFS_HALT is the directory «halt» in the workspace.
 */
#ifndef SHMAPFS_TESTS_CRASHPOINT_H
#define SHMAPFS_TESTS_CRASHPOINT_H

#include <sys/types.h>

/* Lets the next worker that comes to the point stop there. */
void arm_point(const char *point);

/* The same; returns when this worker has stopped. */
void stop_at_point(pid_t worker, const char *point);

#endif
