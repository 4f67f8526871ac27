// SPDX-License-Identifier: BSD-2-Clause
#include "report.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

// The sides that could not do a work for this reason, a bit each.
static uint64_t sides_without(const struct series *series, const char *reason)
{
    uint64_t set = 0;

    for (size_t side = 0; side < side_count; side++) {
        if (strcmp(series->reasons[side], reason) == 0)
            set |= (uint64_t)1 << side;
    }
    return set;
}

// Prints a reason once for all works from the first on that the same sides could not do for it.
static void print_failures(const struct results *results, size_t first, const char *reason)
{
    const uint64_t set = sides_without(&results->series[first], reason);
    const char *separator = "- ";

    for (size_t i = 0; i < first; i++) {
        if (sides_without(&results->series[i], reason) == set)
            return;
    }
    for (size_t side = 0; side < side_count; side++) {
        if ((set >> side & 1) != 0) {
            printf("%s%s", separator, sides[side].name);
            separator = ", ";
        }
    }
    separator = ": ";
    for (size_t i = first; i < results->series_count; i++) {
        if (sides_without(&results->series[i], reason) == set) {
            printf("%s%s", separator, results->series[i].work->name);
            separator = ", ";
        }
    }
    printf(": %s\n", reason);
}

// Returns whether no side before this one failed at the work for the same reason.
static bool is_first_to_fail(const struct series *series, size_t side)
{
    const char *reason = series->reasons[side];

    for (size_t i = 0; i < side; i++) {
        if (strcmp(series->reasons[i], reason) == 0)
            return false;
    }
    return reason[0] != '\0';
}

void report_failures(const struct results *results)
{
    puts("\nWhat could not run:\n");
    for (size_t side = 0; side < side_count; side++) {
        const struct entrant *entrant = &results->entrants[side];

        if (entrant->wanted && !entrant->ready)
            printf("- %s (%s): %s\n", sides[side].name, sides[side].what, entrant->place.reason);
    }
    for (size_t i = 0; i < results->series_count; i++) {
        for (size_t side = 0; side < side_count; side++) {
            if (is_first_to_fail(&results->series[i], side))
                print_failures(results, i, results->series[i].reasons[side]);
        }
    }
}
