// SPDX-License-Identifier: BSD-2-Clause
#include "report.h"

#include <math.h>
#include <stdio.h>

#include <json.h>

#include "comparison.h"
#include "limit.h"

static struct json_object *summary_object(struct summary summary)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "median", json_object_new_double(summary.median));
    json_object_object_add(object, "min", json_object_new_double(summary.least));
    json_object_object_add(object, "max", json_object_new_double(summary.most));
    return object;
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
    json_object_object_add(object, key, json_object_new_string(text));
}

static struct json_object *sides_object(const struct results *results)
{
    struct json_object *object = json_object_new_object();

    for (size_t i = 0; i < side_count; i++) {
        const struct entrant *entrant = &results->entrants[i];
        struct json_object *entry = json_object_new_object();

        add_text(entry, "what", sides[i].what);
        json_object_object_add(entry, "ran", json_object_new_boolean(entrant->ready));
        if (!entrant->ready)
            add_text(entry, "reason",
                     entrant->wanted ? entrant->place.reason : "was not asked for");
        json_object_object_add(object, sides[i].name, entry);
    }
    return object;
}

// The member of this name, which is made where it is missing.
static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *found;

    if (json_object_object_get_ex(object, name, &found))
        return found;
    found = json_object_new_object();
    json_object_object_add(object, name, found);
    return found;
}

static void add_ratio(const struct results *results, const struct series *series,
                      const struct column *column, struct json_object *ratios)
{
    if (column->against == NULL)
        return;
    struct summary ratio =
        results_ratios(results, series, side_index(column->side), side_index(column->against));
    if (!isnan(ratio.median))
        json_object_object_add(member(ratios, column->side), column->against,
                               summary_object(ratio));
}

static struct json_object *work_object(const struct results *results, const struct series *series)
{
    struct json_object *object = json_object_new_object();
    struct json_object *values = member(object, "values");
    struct json_object *ratios = member(object, "ratios");
    struct json_object *reasons = member(object, "reasons");

    add_text(object, "unit", series->work->unit != NULL ? series->work->unit : "seconds");
    for (size_t side = 0; side < side_count; side++) {
        struct summary summary = results_values(results, series, side);

        if (!isnan(summary.median))
            json_object_object_add(values, sides[side].name, summary_object(summary));
        if (series->reasons[side][0] != '\0')
            add_text(reasons, sides[side].name, series->reasons[side]);
    }
    for (size_t i = 0; i < block_count; i++) {
        for (const struct column *column = blocks[i].columns; column->title != NULL; column++)
            add_ratio(results, series, column, ratios);
    }
    return object;
}

static struct json_object *limit_object(const struct results *results, const struct limit *limit,
                                        const struct pair *pair)
{
    struct json_object *object = json_object_new_object();
    struct summary figure = limit_figure(results, limit, pair);
    char against[64];

    limit_describe(limit, pair, against, sizeof(against));
    add_text(object, "work", limit->work);
    add_text(object, "side", pair->side);
    add_text(object, "against", against);
    json_object_object_add(object, "at_most", json_object_new_double(limit->at_most));
    json_object_object_add(object, "figure", isnan(figure.median) ? NULL : summary_object(figure));
    json_object_object_add(
        object, "reached",
        isnan(figure.median) ? NULL : json_object_new_boolean(figure.median <= limit->at_most));
    return object;
}

static struct json_object *limits_array(const struct results *results)
{
    struct json_object *array = json_object_new_array();

    for (size_t i = 0; i < limit_count; i++) {
        for (const struct pair *pair = limits[i].pairs; pair->side != NULL; pair++)
            json_object_array_add(array, limit_object(results, &limits[i], pair));
    }
    return array;
}

void report_json(const struct results *results)
{
    struct json_object *root = json_object_new_object();
    struct json_object *works = json_object_new_object();

    for (size_t i = 0; i < results->series_count; i++)
        json_object_object_add(works, results->series[i].work->name,
                               work_object(results, &results->series[i]));
    json_object_object_add(root, "bytes", json_object_new_int64((int64_t)results->size));
    json_object_object_add(root, "rounds", json_object_new_int64(results->rounds));
    json_object_object_add(root, "seconds", json_object_new_double(results->seconds));
    json_object_object_add(root, "load", json_object_new_double(results->load));
    json_object_object_add(root, "beside", json_object_new_int64(results->beside));
    add_text(root, "filesystem", results->filesystem);
    json_object_object_add(root, "sides", sides_object(results));
    json_object_object_add(root, "works", works);
    json_object_object_add(root, "limits", limits_array(results));
    puts(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY));
    json_object_put(root);
}
