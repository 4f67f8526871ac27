// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include <stdbool.h>

#include "side.h"
#include "work.h"

#define MAX_ROUNDS 99

// One side in a run: its place, and whether the run asked for it.
struct entrant {
    const struct side *side;
    struct place place;
    bool wanted;
    bool ready; // is set up
};

// All that was measured of one work: the value of each side in each round. A round that a side did
// not do is NAN.
struct series {
    const struct work *work;
    double (*samples)[MAX_ROUNDS]; // one row for each side
    char (*reasons)[REASON_SIZE];  // of each side: why it could not do the work, or empty
};

struct results {
    const struct entrant *entrants; // side_count of them
    struct series *series;
    size_t series_count;
    unsigned rounds;
    size_t size;
    double seconds;         // that the run took
    double load;            // how many processes wanted to run when it began
    unsigned beside;        // busy processes that it ran beside
    const char *filesystem; // the name of the one that the stores lie on
};

// The figures that are told of the rounds: NAN when there was none.
struct summary {
    double median;
    double least;
    double most;
};

// A series for each work of each group, without samples yet.
void results_prepare(struct results *results);

// The first series of a group of works.
size_t results_of_group(size_t group);

// NULL: there is no such work.
const struct series *results_find(const struct results *results, const char *work);

// Sorts the values in place.
struct summary results_summarise(double *values, size_t count);

struct summary results_values(const struct results *results, const struct series *series,
                              size_t side);
// The ratio of two sides in each round: what disturbed the machine in a round disturbed both.
struct summary results_ratios(const struct results *results, const struct series *series,
                              size_t side, size_t baseline);

#endif
