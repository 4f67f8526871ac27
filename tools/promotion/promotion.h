// SPDX-License-Identifier: BSD-2-Clause
/* A file of a scratch directory that is to last. */
#ifndef SHMAPCTL_PROMOTION_H
#define SHMAPCTL_PROMOTION_H

#include <limits.h>
#include <stdbool.h>

/* Returns whether a path is such a file. */
bool promotion_is_of(const char *path);

/* Gives it a name that lasts: `to`, or its own in `to` if that is a directory, or, without `to`
 * (NULL), its own beside the scratch directory that it is in. Returns an exit status, after a line
 * if it fails; `placed` receives the name. */
int promotion_make(const char *path, const char *to, char placed[PATH_MAX]);

#endif
