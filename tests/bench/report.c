// SPDX-License-Identifier: BSD-2-Clause
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json.h>

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

// Sorts the values in place.
static struct summary summarise(double *values, size_t count)
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

struct summary report_times(const struct results *results, const struct series *series, size_t side)
{
    double values[MAX_ROUNDS];
    size_t count = 0;

    for (unsigned round = 0; round < results->rounds; round++) {
        double value = series->samples[side][round];

        if (!isnan(value))
            values[count++] = value;
    }
    return summarise(values, count);
}

struct summary report_ratios(const struct results *results, const struct series *series,
                             size_t side, size_t baseline)
{
    double values[MAX_ROUNDS];
    size_t count = 0;

    for (unsigned round = 0; round < results->rounds; round++) {
        double value = series->samples[side][round] / series->samples[baseline][round];

        if (!isnan(value))
            values[count++] = value;
    }
    return summarise(values, count);
}

// A time with three digits and the unit that suits it.
static void format_time(double seconds, char text[16])
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = { { "s", 1 }, { "ms", 1e-3 }, { "us", 1e-6 }, { "ns", 1e-9 } };
    size_t unit = 0;

    while (unit < 3 && seconds < units[unit].seconds)
        unit++;
    double value = seconds / units[unit].seconds;
    snprintf(text, 16, "%.*f %s", value < 10 ? 2 : value < 100 ? 1 : 0, value, units[unit].name);
}

static size_t baseline_index(const struct side *side, size_t i)
{
    const struct side *baseline = side->baselines[i] ? side_find(side->baselines[i]) : NULL;

    return baseline != NULL ? (size_t)(baseline - sides) : side_count;
}

// The width of the column with our sides' names.
static int name_width(const struct results *results)
{
    size_t width = 0;

    for (size_t i = 0; i < side_count; i++) {
        size_t length = strlen(sides[i].name);

        if (results->entrants[i].wanted && sides[i].baselines[0] != NULL && length > width)
            width = length;
    }
    return (int)width;
}

// One line for each baseline of a side; what is promised is promised of the default sides, against
// the first. Returns whether there was any.
static bool print_rows(const struct results *results, const struct series *series, size_t side,
                       const char *label)
{
    char ours[16], theirs[16], limit[16] = "";
    bool any = false;

    for (size_t i = 0; i < SIDE_BASELINES; i++) {
        size_t baseline = baseline_index(&sides[side], i);
        if (baseline == side_count)
            continue;
        struct summary ratio = report_ratios(results, series, side, baseline);
        if (isnan(ratio.median))
            continue;
        format_time(report_times(results, series, side).median, ours);
        format_time(report_times(results, series, baseline).median, theirs);
        if (i == 0 && !sides[side].on_demand && series->work->at_most > 0)
            snprintf(limit, sizeof(limit), "%7.2f", series->work->at_most);
        printf("%-19s  %-*s %8s  %-10s %8s  %6.2f %6.2f %6.2f %s\n", any ? "" : label,
               name_width(results), sides[side].name, ours, sides[baseline].name, theirs,
               ratio.median, ratio.least, ratio.most, limit);
        limit[0] = '\0';
        any = true;
    }
    return any;
}

void report_table(const struct results *results)
{
    printf(
        "Over %zu MiB, %u rounds, stores on %s; medians, and of the ratios minimum and maximum:\n",
        results->size >> 20, results->rounds, results->filesystem);
    printf("%-19s  %-*s %8s  %-10s %8s  %6s %6s %6s %s\n", "work", name_width(results), "side",
           "time", "against", "time", "ratio", "min", "max", "at most");
    for (size_t i = 0; i < results->series_count; i++) {
        const char *label = results->series[i].work->name;

        for (size_t side = 0; side < side_count; side++) {
            if (print_rows(results, &results->series[i], side, label))
                label = "";
        }
    }
    for (size_t i = 0; i < side_count; i++) {
        if (results->entrants[i].wanted && results->entrants[i].place.reason[0] != '\0')
            printf("%s (%s) cannot run: %s\n", sides[i].name, sides[i].what,
                   results->entrants[i].place.reason);
    }
}

static struct json_object *summary_object(struct summary summary)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "median", json_object_new_double(summary.median));
    json_object_object_add(object, "min", json_object_new_double(summary.least));
    json_object_object_add(object, "max", json_object_new_double(summary.most));
    return object;
}

static struct json_object *sides_object(const struct results *results)
{
    struct json_object *object = json_object_new_object();

    for (size_t i = 0; i < side_count; i++) {
        if (!results->entrants[i].wanted)
            continue;
        struct json_object *entry = json_object_new_object();
        const char *reason = results->entrants[i].place.reason;
        json_object_object_add(entry, "what", json_object_new_string(sides[i].what));
        json_object_object_add(entry, "ran", json_object_new_boolean(reason[0] == '\0'));
        if (reason[0] != '\0')
            json_object_object_add(entry, "reason", json_object_new_string(reason));
        json_object_object_add(object, sides[i].name, entry);
    }
    return object;
}

static struct json_object *side_results(const struct results *results, const struct series *series,
                                        size_t side)
{
    struct summary seconds = report_times(results, series, side);
    if (isnan(seconds.median))
        return NULL;

    struct json_object *object = json_object_new_object();
    struct json_object *ratios = json_object_new_object();
    json_object_object_add(object, "seconds", summary_object(seconds));
    for (size_t i = 0; i < SIDE_BASELINES; i++) {
        size_t baseline = baseline_index(&sides[side], i);
        if (baseline == side_count)
            continue;
        struct summary ratio = report_ratios(results, series, side, baseline);
        if (!isnan(ratio.median))
            json_object_object_add(ratios, sides[baseline].name, summary_object(ratio));
    }
    json_object_object_add(object, "ratio", ratios);
    return object;
}

void report_json(const struct results *results)
{
    struct json_object *root = json_object_new_object();
    struct json_object *works = json_object_new_object();

    for (size_t i = 0; i < results->series_count; i++) {
        const struct series *series = &results->series[i];
        struct json_object *work = json_object_new_object();

        if (series->work->at_most > 0)
            json_object_object_add(work, "at_most", json_object_new_double(series->work->at_most));
        for (size_t side = 0; side < side_count; side++) {
            struct json_object *object = side_results(results, series, side);
            if (object != NULL)
                json_object_object_add(work, sides[side].name, object);
        }
        json_object_object_add(works, series->work->name, work);
    }
    json_object_object_add(root, "bytes", json_object_new_int64((int64_t)results->size));
    json_object_object_add(root, "rounds", json_object_new_int64(results->rounds));
    json_object_object_add(root, "filesystem", json_object_new_string(results->filesystem));
    json_object_object_add(root, "sides", sides_object(results));
    json_object_object_add(root, "works", works);
    puts(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY));
    json_object_put(root);
}
