// SPDX-License-Identifier: BSD-2-Clause
/*
 * The states of several mounts, asked for at the same time.
 *
 * A daemon that its user has stopped answers nobody, and the kernel lets a call that the daemon has
 * received wait even for a signal that kills. So a process for each mount asks, and those that have
 * no answer in time are left behind: they end with their calls.
 */
#ifndef SHMAPCTL_MOUNT_STATES_H
#define SHMAPCTL_MOUNT_STATES_H

#include "lib/api/shmap.h"
#include "tools/scan/mount_list.h"

struct mount_state {
    int error; // as the process that asks has found it
    struct shmap_status status;
};

/* The details that a mount tells to root and its owner: the RAM areas that directories have for
 * themselves, and the requests that it has served. There are none where it does not tell. */
enum { MOUNT_AREAS_MAX = 100 };
struct mount_details {
    size_t area_count;
    struct shmap_own_area areas[MOUNT_AREAS_MAX];
    struct shmap_requests requests;
};

struct mount_states {
    size_t count; // of mounts, in the order of their list
    /* 0: the mount has told its state. -ESTALE: its path leads to another filesystem; -ETIMEDOUT:
     * there is no answer in time; otherwise an error of shmap_status_get() or fork(2). */
    int *errors;
    struct mount_state *all;       // which still change where there is an error
    struct mount_details *details; // likewise; NULL: they were not asked for
};

/* Asks all mounts of a list. */
void mount_states_get(const struct mount_list *list, struct mount_states *states);

/* Asks them for details, too. */
void mount_states_get_with_details(const struct mount_list *list, struct mount_states *states);

void mount_states_free(struct mount_states *states);

#endif
