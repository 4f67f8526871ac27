// SPDX-License-Identifier: BSD-2-Clause
/* A mount's status, as far as it is about the survival of deaths. */
#ifndef SHMAPFS_TESTS_MOUNT_STATUS_H
#define SHMAPFS_TESTS_MOUNT_STATUS_H

#include <stdint.h>

/* The holdings of a mount on behalf of its files. */
struct mount_holdings {
    int64_t nodes, descriptors, open_files;
    int64_t table;    // entries of the keeper's table of descriptors
    int64_t complete; // 1: all is there that a worker opens before somebody uses the mount
};

/* A member that the status does not have is 0. */
struct mount_status {
    int64_t pid, keeper, restarts, upgrades, stall;
    char survival[128];             // why a death is not survived; empty: it is
    struct mount_holdings holdings; // without the table
};

/* Returns 0 or a negative errno. */
int read_mount_status(const char *mountpoint, struct mount_status *status);

#endif
