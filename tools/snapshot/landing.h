// SPDX-License-Identifier: BSD-2-Clause
/*
 * A directory that gets its name when all is in it. Until then it is beside that, under the name
 * .NAME.unfinished-snapshot, and for its owner alone. A process that is killed leaves it, and the
 * next one to the same destination removes it.
 */
#ifndef SHMAPCTL_LANDING_H
#define SHMAPCTL_LANDING_H

#include <limits.h>
#include <sys/stat.h>

#include "lib/api/shmap.h"

struct landing {
    char path[PATH_MAX]; // with its name
    const char *name;    // the end of it
    int parent;
    int directory; // is locked while somebody makes a snapshot there; -1: there is none
    char temporary[NAME_MAX + 1];
};

/* Makes one for a path that does not exist, or is an empty directory. Returns EXIT_SUCCESS, or
 * EXIT_FAILURE after a line. */
int landing_make(const char *path, const char *mountpoint, const struct shmap_status *status,
                 struct landing *landing);

/* Removes all that is in it. Returns 0 or a negative errno. */
int landing_empty(struct landing *landing);

/* Brings it to the disk, and gives it its name. Returns 0 or a negative errno. */
int landing_publish(struct landing *landing);

/* Removes what has no name of its own by now. */
void landing_end(struct landing *landing);

#endif
