// SPDX-License-Identifier: BSD-2-Clause
/*
 * The states of several mounts, asked for at the same time.
 *
 * A daemon that its user has stopped answers nobody, and the kernel lets a call that the daemon has
 * received wait even for a signal that kills. So a process for each mount asks, and those that have
 * no answer in time are left behind: they end with their calls.
 */
#ifndef SHMAPCTL_ANSWERS_H
#define SHMAPCTL_ANSWERS_H

#include "lib/api/shmap.h"
#include "tools/scan/mount_list.h"

struct answer {
    bool covered; // the path leads to another filesystem
    int error;    // of shmap_status_get(); -ETIMEDOUT: there is no answer in time
    struct shmap_status status;
    volatile bool complete;
};

struct answers {
    struct answer *all; // as many as mounts, in their order
    size_t count;
};

/* Asks all mounts of a list. */
void answers_get(const struct mount_list *list, struct answers *answers);

void answers_free(struct answers *answers);

#endif
