// SPDX-License-Identifier: BSD-2-Clause
/* The file or directory of a mount that a command was given. */
#ifndef SHMAPCTL_TARGET_H
#define SHMAPCTL_TARGET_H

#include <sys/stat.h>

#include "lib/api/shmap.h"

struct scan_target {
    enum shmap_class class;
    struct stat stat;
};

/* Reads what is at a path. Returns EXIT_SUCCESS, or EXIT_FAILURE after a line that says why it is
 * not of a mount. */
int scan_target_find(const char *path, struct scan_target *target);

/* Prints why a directory cannot have a class: there is none of that kind at its place (-EINVAL), or
 * in this version (-EOPNOTSUPP). Returns EXIT_FAILURE. */
int fail_class(const char *path, enum shmap_class class, int error);

/* Prints why a mount did not answer when it was asked for its state, or to change it.
 * Returns EXIT_FAILURE. */
int fail_mount(const char *mountpoint, int error);

#endif
