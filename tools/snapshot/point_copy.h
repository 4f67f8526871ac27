// SPDX-License-Identifier: BSD-2-Clause
/* A copy of a file of the class atomic or checkpoint, as it was committed at one point. */
#ifndef SHMAPCTL_POINT_COPY_H
#define SHMAPCTL_POINT_COPY_H

#include <stdint.h>
#include <time.h>

#include "tools/ui/interruption.h"
#include "tools/ui/progress.h"

struct point_copy {
    uint64_t size;
    struct timespec mtime;
};

/* Makes a new, empty file a copy of what `file` (O_PATH will do) was at a point, with its holes.
 * `done` are the bytes before it, for the progress. Returns 0; -ENODATA: the file's class is
 * another one; -ESTALE: the point has ended; -EINTR; or another negative errno. */
int point_copy_make(uint64_t point, int file, int copy, uint64_t done, struct progress *progress,
                    struct interruption *interruption, struct point_copy *made);

#endif
