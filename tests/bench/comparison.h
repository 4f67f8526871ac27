// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_COMPARISON_H
#define BENCH_COMPARISON_H

#include "format.h"
#include "results.h"

// The report shows these of each work: the columns of its table. They come in blocks, one below the
// other, because all of them side by side would not fit a page.

struct column {
    const char *title;
    const char *side;
    const char *against; // the column has ratios to this side; NULL: it has the values themselves
};

#define COLUMNS_AT_MOST 9

struct block {
    const char *title;
    struct column columns[COLUMNS_AT_MOST]; // up to one without a title
};

extern const struct block blocks[];
extern const size_t block_count;
// The block that is fit to be quoted: our default against what it is made of, and against its like.
extern const struct block quoted_block;

// The figure that the column has of a work; NAN: nothing.
struct summary column_figure(const struct results *results, const struct series *series,
                             const struct column *column);

// Returns whether any column has something of the work.
bool block_has(const struct results *results, const struct series *series,
               const struct block *block);

#endif
