// SPDX-License-Identifier: BSD-2-Clause
#include "report.h"

#include <stdio.h>

#include "comparison.h"

static void print_heading(const struct block *block)
{
    fputs("\n| work |", stdout);
    for (const struct column *column = block->columns; column->title != NULL; column++)
        printf(" %s |", column->title);
    fputs("\n| --- |", stdout);
    for (const struct column *column = block->columns; column->title != NULL; column++)
        fputs(" --- |", stdout);
    puts("");
}

static void print_row(const struct results *results, const struct series *series,
                      const struct block *block)
{
    char text[FORMAT_SIZE];

    format_label(series->work, text);
    printf("| %s |", text);
    for (const struct column *column = block->columns; column->title != NULL; column++) {
        struct summary figure = column_figure(results, series, column);

        if (column->against == NULL)
            format_value(series->work, figure.median, text);
        else
            format_summary_quoted(figure, text);
        printf(" %s |", text);
    }
    puts("");
}

void report_markdown(const struct results *results)
{
    const struct block *block = &quoted_block;

    report_circumstances(results);
    puts("Medians, and how many times as much they are as the other side's in the same round: "
         "median (minimum-maximum).");
    print_heading(block);
    for (size_t i = 0; i < results->series_count; i++) {
        if (block_has(results, &results->series[i], block))
            print_row(results, &results->series[i], block);
    }
    report_limits(results, true);
    report_failures(results);
}
