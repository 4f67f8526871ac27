// SPDX-License-Identifier: BSD-2-Clause
#include "report.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "comparison.h"
#include "format.h"

enum { VALUE_WIDTH = 8, RATIO_WIDTH = 15 };

static int label_width(const struct results *results)
{
    char label[FORMAT_SIZE];
    size_t width = 0;

    for (size_t i = 0; i < results->series_count; i++) {
        format_label(results->series[i].work, label);
        if (strlen(label) > width)
            width = strlen(label);
    }
    return (int)width;
}

static int column_width(const struct column *column)
{
    return column->against != NULL ? RATIO_WIDTH : VALUE_WIDTH;
}

static void make_cell(const struct results *results, const struct series *series,
                      const struct column *column, char text[FORMAT_SIZE])
{
    struct summary figure = column_figure(results, series, column);

    if (column->against == NULL)
        format_value(series->work, figure.median, text);
    else
        format_summary(figure, text);
}

static void print_row(const struct results *results, const struct series *series,
                      const struct block *block, int width)
{
    char text[FORMAT_SIZE];

    format_label(series->work, text);
    printf("%-*s", width, text);
    for (const struct column *column = block->columns; column->title != NULL; column++) {
        make_cell(results, series, column, text);
        printf(" %*s", column_width(column), text);
    }
    puts("");
}

static void print_block(const struct results *results, const struct block *block, int width)
{
    bool any = false;

    for (size_t i = 0; i < results->series_count; i++) {
        if (!block_has(results, &results->series[i], block))
            continue;
        if (!any) {
            printf("\n%s\n%-*s", block->title, width, "work");
            for (const struct column *column = block->columns; column->title != NULL; column++)
                printf(" %*s", column_width(column), column->title);
            puts("");
        }
        any = true;
        print_row(results, &results->series[i], block, width);
    }
}

void report_circumstances(const struct results *results)
{
    struct utsname system;

    uname(&system);
    printf(
        "%s %s, %ld processors, load %.1f when it began, %u busy processes beside; %zu MiB mapped, "
        "stores on %s; %u rounds in %.0f s.\n",
        system.sysname, system.release, sysconf(_SC_NPROCESSORS_ONLN), results->load,
        results->beside, results->size >> 20, results->filesystem, results->rounds,
        results->seconds);
}

void report_table(const struct results *results)
{
    const int width = label_width(results);

    report_circumstances(results);
    puts("The median of each side, and after a slash how many times as much that is as the other "
         "side's in\nthe same round: median, minimum-maximum.");
    for (size_t i = 0; i < block_count; i++)
        print_block(results, &blocks[i], width);
    report_limits(results, false);
    report_failures(results);
}
