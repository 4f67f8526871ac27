// SPDX-License-Identifier: BSD-2-Clause
/* A call of a client whose worker stops or dies at a chosen point of the request's life. */
#ifndef SHMAPFS_TESTS_INTERRUPTED_CALL_H
#define SHMAPFS_TESTS_INTERRUPTED_CALL_H

#include "tests/mount/harness/coprocess.h"
#include "tests/mount/workspace/workspace.h"

/* How many points a request passes that changes something, and which of them is its execution. */
enum { CRASHPOINTS = 6, POINT_OF_EXECUTION = 2 };

/* Starts a mount whose workers stop at points. */
pid_t keeper_start_with_crashpoints(const struct workspace *workspace, bool with_store);

/* A call that another process makes. */
struct client_call {
    int (*make)(void *argument);
    void *argument;
};

/* Another process makes a call, and the worker stops at the point. Returns the worker. */
pid_t call_and_stop(pid_t keeper, unsigned point, struct client_call *call,
                    struct coprocess *client);

/* The same; the worker dies there, and the next one must let the call succeed. */
void call_and_die(pid_t keeper, unsigned point, int (*make)(void *), void *argument);

/* The same at a point of another kind, which a request passes several times: at this pass, from 0
 * on. */
void call_and_die_at(pid_t keeper, const char *point, unsigned pass, int (*make)(void *),
                     void *argument);

/* Calls: removes the path; renames «mnt/other» to it; makes a directory there. */
int remove_file(void *argument);
int replace_file(void *argument);
int make_directory_at(void *argument);

#endif
