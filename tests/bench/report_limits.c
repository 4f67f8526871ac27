// SPDX-License-Identifier: BSD-2-Clause
#include "report.h"

#include <math.h>
#include <stdio.h>

#include "format.h"
#include "limit.h"

enum { CELLS = 6 }; // of a row

struct tally {
    unsigned kept;
    unsigned missed;
    unsigned unmeasured;
};

static const char *verdict(struct summary figure, double at_most, struct tally *tally)
{
    if (isnan(figure.median)) {
        tally->unmeasured++;
        return "not measured";
    }
    if (figure.median > at_most) {
        tally->missed++;
        return "MISSED";
    }
    tally->kept++;
    return "ok";
}

static void print_row(bool markdown, const char *const cells[CELLS])
{
    static const int widths[CELLS] = { -24, -20, -27, 18, 7, 0 };

    for (int i = 0; i < CELLS; i++) {
        if (markdown)
            printf("| %s ", cells[i]);
        else
            printf("%s%*s", i > 0 ? " " : "", widths[i], cells[i]);
    }
    puts(markdown ? "|" : "");
}

static void print_limit(const struct results *results, const struct limit *limit,
                        const struct pair *pair, bool markdown, struct tally *tally)
{
    struct summary figure = limit_figure(results, limit, pair);
    char against[64], text[FORMAT_SIZE], at_most[FORMAT_SIZE];

    limit_describe(limit, pair, against, sizeof(against));
    if (pair->against == NULL && limit->against_work == NULL)
        format_value(results_find(results, limit->work)->work, figure.median, text);
    else if (markdown)
        format_summary_quoted(figure, text);
    else
        format_summary(figure, text);
    // As few digits as it was promised with.
    snprintf(at_most, sizeof(at_most), "%.3g", limit->at_most);
    if (limit->at_most >= 1000)
        snprintf(at_most, sizeof(at_most), "%.0f", limit->at_most);
    print_row(markdown, (const char *const[CELLS]){ limit->work, pair->side, against, text, at_most,
                                                    verdict(figure, limit->at_most, tally) });
}

// Nobody has missed the figures of a side that was not to run.
static bool is_asked_for(const struct results *results, const struct pair *pair)
{
    return results->entrants[side_index(pair->side)].wanted;
}

void report_limits(const struct results *results, bool markdown)
{
    static const char *const titles[CELLS] = { "work", "side", "against", "times", "at most", "" };
    static const char *const rule[CELLS] = { "---", "---", "---", "---", "---", "---" };
    struct tally tally = { 0 };

    puts("\nWhat must be reached:\n");
    print_row(markdown, titles);
    if (markdown)
        print_row(markdown, rule);
    for (size_t i = 0; i < limit_count; i++) {
        if (results_find(results, limits[i].work) == NULL)
            continue;
        for (const struct pair *pair = limits[i].pairs; pair->side != NULL; pair++) {
            if (is_asked_for(results, pair))
                print_limit(results, &limits[i], pair, markdown, &tally);
        }
    }
    printf("\n%u reached, %u missed, %u not measured\n", tally.kept, tally.missed,
           tally.unmeasured);
}
