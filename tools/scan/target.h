// SPDX-License-Identifier: BSD-2-Clause
/* The file or directory of a shmapfs mount that a command was given. */
#ifndef SHMAPCTL_TARGET_H
#define SHMAPCTL_TARGET_H

#include "lib/api/shmap.h"

#include <sys/stat.h>

struct target {
    enum shmap_class class;
    struct stat stat;
};

/* Returns EXIT_SUCCESS, or EXIT_FAILURE after saying why there is none. */
int target_find(const char *path, struct target *target);

/* Prints why a mount did not answer when it was asked for its state, or to change it.
 * Returns EXIT_FAILURE. */
int fail_mount(const char *mountpoint, int error);

#endif
