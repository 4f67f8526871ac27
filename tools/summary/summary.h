// SPDX-License-Identifier: BSD-2-Clause
/* How much there is below a directory. */
#ifndef SHMAPCTL_SUMMARY_H
#define SHMAPCTL_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/api/shmap.h"

struct amount_of {
    uint64_t files; // regular ones, by as many names as they have
    uint64_t size;  // bytes; what has several names counts once
    uint64_t allocated;
};

struct large_file {
    char *path; // from where the walk began
    uint64_t size, allocated;
    enum shmap_class class;
};

struct summary {
    bool has_classes;             // it is in a shmapfs
    uint64_t directories, others; // others: symbolic links, FIFOs, sockets, devices
    struct amount_of total;
    struct amount_of classes[SHMAP_CLASSES];
    struct large_file *largest; // the largest first
    size_t count, most;
};

/* Walks a tree, without leaving its filesystem. Anything that cannot be listed is left out after a
 * line on standard error; what vanishes meanwhile is left out. Returns the exit status. */
int summary_make(const char *path, size_t largest, struct summary *summary);

/* Takes a file among the largest, if it is. */
void summary_take(struct summary *summary, const char *path, uint64_t size, uint64_t allocated,
                  enum shmap_class class);

void summary_free(struct summary *summary);

#endif
