// SPDX-License-Identifier: BSD-2-Clause
/*
 * Relief: mounts whose pages may wait longer for writing back than the kernel lets a user's mount
 * (fs/vfs/writeback.c says what that costs).
 *
 * The kernel lets it dirty 1 % of what the machine may, lest a daemon that never writes leaves
 * nothing to others. So a user gets `ratio` % for one mount, and all users together
 * RELIEF_PERCENT_MAX. The kernel goes on giving each mount a share by how fast it writes
 * (strict_limit).
 */
#ifndef SHMAPFS_TOOLS_RELIEF_H
#define SHMAPFS_TOOLS_RELIEF_H

#include <stdint.h>
#include <sys/types.h>

#define RELIEF_PERCENT_MAX 60

struct relief {
    unsigned ratio;
    unsigned count;
    struct relief_mount {
        uid_t uid;
        uint32_t connection;
    } mounts[RELIEF_PERCENT_MAX];
};

/* Lifts the limits of a user's connection. Returns 0; -EPERM: it is not his; -EBUSY: he, or all
 * users together, have as much as there is; or another negative errno. */
int relief_give(struct relief *relief, int connections, uid_t uid, uint32_t connection);

#endif
