// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_SIDE_MOUNT_H
#define BENCH_SIDE_MOUNT_H

#include "side.h"

// How the places of the different kinds of sides are made: what struct side's set_up can be.

int set_up_shmapfs(const struct side *side, struct place *place, const struct setting *setting);
int set_up_tmpfs(const struct side *side, struct place *place, const struct setting *setting);
int set_up_directory(const struct side *side, struct place *place, const struct setting *setting);
// libfuse's example that shows another directory, and one that has its files in itself.
int set_up_passthrough(const struct side *side, struct place *place, const struct setting *setting);
int set_up_program(const struct side *side, struct place *place, const struct setting *setting);

#endif
