// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_FORMAT_H
#define BENCH_FORMAT_H

#include "results.h"

#define FORMAT_SIZE 32

// How figures are written for people. One that there is none of is a dash.

// A number with three digits.
void format_number(double number, char text[FORMAT_SIZE]);
// A value of a work: a time with the unit that suits it, or the bare number.
void format_value(const struct work *work, double value, char text[FORMAT_SIZE]);
// Median, minimum and maximum, as narrow as can be.
void format_summary(struct summary summary, char text[FORMAT_SIZE]);
// The same with the latter two in parentheses.
void format_summary_quoted(struct summary summary, char text[FORMAT_SIZE]);
// A work's name, with the unit of its values where they are no times.
void format_label(const struct work *work, char text[FORMAT_SIZE]);

#endif
