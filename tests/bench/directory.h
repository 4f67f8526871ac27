// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_DIRECTORY_H
#define BENCH_DIRECTORY_H

#include "side.h"

// The directories that places are made of. They are called SCRATCH/PREFIX-SIDE.

// Room for the big file, the small ones and what the filesystem needs itself, in bytes.
size_t directory_room(const struct setting *setting);

// Makes the directory and fills in its path; returns 0 or a negative errno, with the place's reason.
int directory_make(const struct side *side, const char *prefix, struct place *place,
                   const struct setting *setting, char path[PATH_MAX]);

// The same for one that files shall lie in, if its filesystem has room for them.
int directory_make_roomy(const struct side *side, const char *prefix, struct place *place,
                         const struct setting *setting, char path[PATH_MAX]);

#endif
