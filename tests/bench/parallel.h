// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_PARALLEL_H
#define BENCH_PARALLEL_H

// Runs part(argument, index) in that many processes at once, which all begin when the last of them
// is there. Gives the seconds from then until the last has ended its part; returns 0 or the first
// negative errno that a part returned.
int parallel_run(unsigned count, int (*part)(void *argument, unsigned index), void *argument,
                 double *seconds);

#endif
