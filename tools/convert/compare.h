// SPDX-License-Identifier: BSD-2-Clause
/* Compares a tree with its copy: contents, links, owners, modes, times of change, and extended
 * attributes, which ACLs are. */
#ifndef SHMAPCTL_COMPARE_H
#define SHMAPCTL_COMPARE_H

#include <limits.h>

#include "tools/ui/interruption.h"
#include "tools/ui/progress.h"

struct difference {
    char path[PATH_MAX]; // of the entry, below the trees; empty: the directories themselves
    const char *what;
};

/* Compares two directories and all that is below them, by their descriptors. Returns 0: they are
 * the same; 1 and the first difference; or -EINTR. */
int compare_trees(int original, int copy, struct interruption *interruption,
                  struct progress *progress, struct difference *difference);

/* Finds in the same way whether all that a tree holds is in another one: its names, contents,
 * targets, and extended attributes of users. A file may end before the other one does. */
int compare_part(int part, int whole, struct interruption *interruption, struct progress *progress,
                 struct difference *difference);

#endif
