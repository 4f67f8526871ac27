// SPDX-License-Identifier: BSD-2-Clause
/* Bringing files into memory before somebody needs them. */
#ifndef SHMAPCTL_WARMUP_H
#define SHMAPCTL_WARMUP_H

#include <stdint.h>

#include "tools/ui/progress.h"

struct warmup {
    uint64_t files;
    uint64_t bytes; // of data, which holes are none of
    struct progress progress;
};

/* Finds out how much there is below some paths, of which the last is NULL: the total of the
 * progress, which begins. Says nothing of what it cannot find. */
void warmup_begin(struct warmup *warmup, char *const *paths);

/* Brings them into memory. Anything that cannot be read is left out after a line on standard error;
 * what vanishes meanwhile is left out. Returns the exit status. */
int warmup_run(struct warmup *warmup, char *const *paths);

#endif
