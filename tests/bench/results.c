// SPDX-License-Identifier: BSD-2-Clause
#include "results.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

size_t results_of_group(size_t group)
{
    size_t count = 0;

    for (size_t i = 0; i < group; i++)
        count += work_groups[i]->count;
    return count;
}

// The processes that do the works write there.
static void *allocate_shared(size_t count, size_t size)
{
    void *memory =
        mmap(NULL, count * size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        err(1, NULL);
    return memory;
}

static void prepare_series(struct series *series, const struct work *work)
{
    series->work = work;
    series->samples = allocate_shared(side_count, sizeof(series->samples[0]));
    series->reasons = allocate_shared(side_count, sizeof(series->reasons[0]));
    for (size_t side = 0; side < side_count; side++) {
        for (unsigned round = 0; round < MAX_ROUNDS; round++)
            series->samples[side][round] = NAN;
    }
}

void results_prepare(struct results *results)
{
    size_t next = 0;

    results->series_count = results_of_group(work_group_count);
    results->series = calloc(results->series_count, sizeof(results->series[0]));
    if (results->series == NULL)
        err(1, NULL);
    for (size_t i = 0; i < work_group_count; i++) {
        for (size_t j = 0; j < work_groups[i]->count; j++)
            prepare_series(&results->series[next++], &work_groups[i]->works[j]);
    }
}

const struct series *results_find(const struct results *results, const char *work)
{
    for (size_t i = 0; i < results->series_count; i++) {
        if (strcmp(results->series[i].work->name, work) == 0)
            return &results->series[i];
    }
    return NULL;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

struct summary results_summarise(double *values, size_t count)
{
    if (count == 0)
        return (struct summary){ NAN, NAN, NAN };
    qsort(values, count, sizeof(values[0]), compare);
    double middle = values[count / 2];
    return (struct summary){
        .median = count % 2 != 0 ? middle : (values[count / 2 - 1] + middle) / 2,
        .least = values[0],
        .most = values[count - 1],
    };
}

struct summary results_values(const struct results *results, const struct series *series,
                              size_t side)
{
    double values[MAX_ROUNDS];
    size_t count = 0;

    for (unsigned round = 0; round < results->rounds; round++) {
        double value = series->samples[side][round];

        if (!isnan(value))
            values[count++] = value;
    }
    return results_summarise(values, count);
}

struct summary results_ratios(const struct results *results, const struct series *series,
                              size_t side, size_t baseline)
{
    double values[MAX_ROUNDS];
    size_t count = 0;

    for (unsigned round = 0; round < results->rounds; round++) {
        double value = series->samples[side][round] / series->samples[baseline][round];

        if (isfinite(value))
            values[count++] = value;
    }
    return results_summarise(values, count);
}
