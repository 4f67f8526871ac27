// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_BESIDE_H
#define BENCH_BESIDE_H

#include <sys/types.h>

// Busy processes beside the works, as a machine has that is used for something else, too.

// Starts that many, which end with this process at the latest. Ends the program where that fails.
// Returns their list, for beside_end().
pid_t *beside_start(unsigned count);

void beside_end(pid_t *processes, unsigned count);

#endif
