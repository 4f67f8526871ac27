// SPDX-License-Identifier: BSD-2-Clause
/* Programs that copy and remove trees for us. They end with us. */
#ifndef SHMAPCTL_CHILD_H
#define SHMAPCTL_CHILD_H

#include "tools/ui/interruption.h"
#include "tools/ui/progress.h"

/* The first line that a program has written to standard error. */
struct last_words {
    char text[512];
};

/* Copies all that a directory holds, and its own attributes, to another by cp(1), which shares
 * `lock`: what is locked by that is, until both have ended. Returns 0, -EINTR, or -EIO after
 * `words`. */
int child_copy(int from, int to, int lock, struct interruption *interruption,
               struct progress *progress, struct last_words *words);

/* Removes the entry of a directory and all that is below it by rm(1), which shares the directory as
 * a lock. Returns as child_copy(). */
int child_remove(int directory, const char *name, struct interruption *interruption,
                 struct last_words *words);

#endif
