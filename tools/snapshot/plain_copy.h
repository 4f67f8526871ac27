// SPDX-License-Identifier: BSD-2-Clause
/*
 * A copy of a file whose class has no commits: by sharing its extents in the store, which takes it
 * as it is at one instant, where the store and the destination are on a filesystem that can do so
 * and the caller can open the store; otherwise by reading it until it has not changed meanwhile.
 */
#ifndef SHMAPCTL_PLAIN_COPY_H
#define SHMAPCTL_PLAIN_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/api/shmap.h"
#include "tools/ui/interruption.h"

/* The store of a mount, as far as files can be cloned from it. */
struct clone_source {
    int store; // -1: none can be
    bool passthrough;
};

/* `root` is the mount's root directory. For clone_source_end(). */
struct clone_source clone_source_begin(const struct shmap_status *status, int root);
void clone_source_end(struct clone_source *source);

/* Makes a new, empty file a copy of one that was opened for reading and is at `path` from the
 * mount's root. `torn`: it may have a part of a change without the rest. Returns 0, -EINTR, or
 * another negative errno. */
int plain_copy_make(struct clone_source *source, int file, const char *path, int copy,
                    struct interruption *interruption, bool *torn);

#endif
