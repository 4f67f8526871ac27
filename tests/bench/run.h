// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "options.h"
#include "results.h"

struct run {
    const struct options *options;
    struct setting setting;
    unsigned number;    // that another run does not have
    const char *inputs; // the directory for what the works of all sides share
    struct entrant *entrants;
    struct results results;
};

// Returns whether any work that exists is wanted.
bool run_has_works(const struct options *options);

// Has each side that is ready do all wanted works, in all rounds.
void run_rounds(struct run *run);

#endif
