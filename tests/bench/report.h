// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>

#include "side.h"
#include "work.h"

#define MAX_ROUNDS 99

// One side in a run: its place, and whether the run asked for it.
struct entrant {
    const struct side *side;
    struct place place;
    bool wanted;
    bool ready; // set up, and no work has failed yet
};

// All that was measured of one work: the seconds that it took each side in each round. A round that
// a side did not do is NAN.
struct series {
    const struct work *work;
    double (*samples)[MAX_ROUNDS]; // one row for each side
};

struct results {
    const struct entrant *entrants; // side_count of them
    struct series *series;
    size_t series_count;
    unsigned rounds;
    size_t size;
    const char *filesystem; // the name of the one that the stores lie on
};

// What is told of the rounds: NAN when there was none.
struct summary {
    double median;
    double least;
    double most;
};

struct summary report_times(const struct results *results, const struct series *series,
                            size_t side);
// The ratio of two sides in each round: what disturbed the machine in a round disturbed both.
struct summary report_ratios(const struct results *results, const struct series *series,
                             size_t side, size_t baseline);

void report_table(const struct results *results);
void report_json(const struct results *results);

#endif
