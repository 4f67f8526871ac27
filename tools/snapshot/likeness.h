// SPDX-License-Identifier: BSD-2-Clause
/* A copy gets what its original has beside its contents: owner, mode, times, extended attributes
 * and ACLs. */
#ifndef SHMAPCTL_LIKENESS_H
#define SHMAPCTL_LIKENESS_H

#include <stdbool.h>
#include <sys/stat.h>

struct likeness {
    struct stat st;       // of the original; its times are those that the copy gets
    int original;         // O_PATH will do; -1: it has gone
    bool without_writing; // nobody may write to the copy
};

/* `copy` is a descriptor (O_PATH will do) of the copy. Callers other than root leave out what only
 * root may set. Returns 0 or a negative errno. */
int likeness_give(const struct likeness *likeness, int copy);

#endif
