// SPDX-License-Identifier: BSD-2-Clause
/* The keeper's children: the active worker, the standby, and helpers that live for a moment. They
 * share the keeper's descriptors. */
#ifndef SHMAPFS_CHILDREN_H
#define SHMAPFS_CHILDREN_H

#include <stdbool.h>
#include <sys/types.h>

#include "fs/state/state.h"
#include "lib/process/threads.h"

struct children {
    // The work of a worker; it returns a worker_status.
    int (*work)(void *argument, const struct keeper_fds *fds);
    void *argument;
    const struct keeper_fds *fds;
    struct life *life;
    pid_t active;        // 0: none
    pid_t standby;       // 0: none
    uint64_t warm_since; // when the standby was started
};

void children_start_standby(struct children *children);
void children_dismiss_standby(struct children *children);

/* Makes the standby the active worker, or starts one. Returns false if there can be none now. */
bool children_appoint(struct children *children);

/* Tells the active worker to begin. */
void children_go(const struct children *children);

/* Returns whether a worker has said that it serves, since the last call. */
bool children_begun(const struct children *children);

/* Points the descriptor by which workers see whether their keeper lives at the calling process,
 * which may be another one than before. Returns 0 or a negative errno. */
int children_show_parent(struct keeper_fds *fds);

/* Does work in a child that is too risky for the keeper. Returns whether the child did it. */
bool children_do(struct children *children, int (*work)(void *argument));

/* Does the same where it may take for ever, and calls `late` once when it takes long. */
void children_do_long(struct children *children, int (*work)(void *argument),
                      void (*late)(void *argument));

/* Looks in a child at what the threads of a worker are at. */
enum threads children_inspect(pid_t worker);

#endif
