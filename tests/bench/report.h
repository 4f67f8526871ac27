// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "results.h"

// For people: the ratios, what must be reached and whether it is, and what could not run.
void report_table(const struct results *results);

// The same with fewer columns, to be pasted into a Markdown document.
void report_markdown(const struct results *results);

// Everything, for programs.
void report_json(const struct results *results);

// Parts of the first two.
void report_circumstances(const struct results *results);
void report_limits(const struct results *results, bool markdown);
void report_failures(const struct results *results);

#endif
