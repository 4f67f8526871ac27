// SPDX-License-Identifier: BSD-2-Clause
/* The keeper's children: the worker that serves, the one that waits, and helpers for a moment. They
 * share its descriptors. */
#ifndef SHMAPFS_CHILDREN_H
#define SHMAPFS_CHILDREN_H

#include <stdbool.h>
#include <sys/types.h>

#include "fs/state/state.h"

struct children {
    // The work of a worker; it returns a worker_status.
    int (*work)(void *argument, const struct keeper_fds *fds);
    void *argument;
    const struct keeper_fds *fds;
    struct life *life;
    pid_t active;        // 0: none
    pid_t standby;       // likewise
    uint64_t warm_since; // when it was started
};

/* The kernel takes the keeper last, if memory is short. */
void children_spare_parent(void);

void children_start_standby(struct children *children);
void children_dismiss_standby(struct children *children);

/* Makes the one that waits the active one, or starts one. false: there can be none now. */
bool children_appoint(struct children *children);

/* The active one is to begin. */
void children_go(const struct children *children);

/* Whether it says that it has, since this was last asked. */
bool children_begun(const struct children *children);

/* Has the descriptor by which workers see whether their keeper lives stand for the calling process:
 * it may be another one than before. Returns 0 or a negative errno. */
int children_show_parent(struct keeper_fds *fds);

/* Has a child do what the keeper is too careful for; returns whether it did it. */
bool children_do(struct children *children, int (*work)(void *argument));

#endif
