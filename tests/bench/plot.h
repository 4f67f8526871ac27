// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include "results.h"

// Draws the ratios into an SVG file, by gnuplot; says on stderr why it cannot. Returns 0 or a
// negative errno.
int plot_ratios(const struct results *results, const char *path);

#endif
