// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_LIMIT_H
#define BENCH_LIMIT_H

#include <stddef.h>

#include "results.h"

// The limits that the program must reach: their table is in limit.c.

// A side, and what it is compared with.
struct pair {
    const char *side;
    const char *against; // NULL: the value counts by itself, or against another work's
    const char *floor;   // the side on which a round trip of this one's kind is measured
};

struct limit {
    const char *work;
    const struct pair *pairs; // up to one without a side
    double at_most;           // times what it is compared with; or the value itself
    unsigned round_trips; // that the protocol demands: they come on top of what is compared with
    const char *against_work; // of `against`, or of the same side; NULL: none
};

extern const struct limit limits[];
extern const size_t limit_count;

// The limit's figure in this run for one of its pairs; NAN: something was not measured.
struct summary limit_figure(const struct results *results, const struct limit *limit,
                            const struct pair *pair);

// Says in words what the figure is a multiple of.
void limit_describe(const struct limit *limit, const struct pair *pair, char *text, size_t size);

#endif
