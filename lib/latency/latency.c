// SPDX-License-Identifier: BSD-2-Clause
/* {"pid":1,"latencies":{"LOOKUP":[[14336,7],[16384,2]]}} */
#include "lib/latency/latency.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "lib/sys/cleanup.h"

const struct latency *latency_of(const struct latencies *latencies, const char *name)
{
    for (size_t i = 0; i < latencies->count; i++) {
        if (strcmp(latencies->all[i].name, name) == 0)
            return &latencies->all[i];
    }
    return NULL;
}

uint64_t latency_count(const uint64_t of[DURATION_STEPS])
{
    uint64_t sum = 0;

    for (unsigned step = 0; step < DURATION_STEPS; step++)
        sum += of[step];
    return sum;
}

uint64_t latency_percentile(const uint64_t of[DURATION_STEPS], unsigned percent)
{
    uint64_t count = latency_count(of), sum = 0;
    // The first request is at 0 %, the last one at 100 %.
    uint64_t wanted = count > 0 ? (uint64_t)((double)(count - 1) * percent / 100) + 1 : 0;

    for (unsigned step = 0; count > 0 && step < DURATION_STEPS; step++) {
        sum += of[step];
        if (sum >= wanted)
            return step == DURATION_STEPS - 1 ? UINT64_C(1) << DURATION_LONGEST
                                              : duration_step_end(step);
    }
    return 0;
}

static void print_kind(FILE *out, const struct latency *kind)
{
    const char *comma = "";

    // Names are the daemon's own, without anything that JSON would have escaped.
    fprintf(out, "\"%s\":[", kind->name);
    for (unsigned step = 0; step < DURATION_STEPS; step++) {
        if (kind->of[step] == 0)
            continue;
        fprintf(out, "%s[%" PRIu64 ",%" PRIu64 "]", comma, duration_step_end(step), kind->of[step]);
        comma = ",";
    }
    fputc(']', out);
}

char *latencies_to_json(const struct latencies *latencies)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    if (!out)
        return NULL;
    fprintf(out, "{\"pid\":%" PRIu64 ",\"latencies\":{", latencies->pid);
    for (size_t i = 0; i < latencies->count; i++) {
        fputs(i > 0 ? "," : "", out);
        print_kind(out, &latencies->all[i]);
    }
    fputs("}}", out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* Takes a pair over. Returns 0 or -EPROTO. */
static int take_step(struct latency *kind, struct json_object *pair)
{
    struct json_object *end = NULL, *count = NULL;
    uint64_t nanoseconds;

    if (json_object_is_type(pair, json_type_array) && json_object_array_length(pair) == 2) {
        end = json_object_array_get_idx(pair, 0);
        count = json_object_array_get_idx(pair, 1);
    }
    if (!json_object_is_type(end, json_type_int) || !json_object_is_type(count, json_type_int))
        return -EPROTO;
    nanoseconds = json_object_get_uint64(end);
    kind->of[duration_step(nanoseconds > 0 ? nanoseconds - 1 : 0)] += json_object_get_uint64(count);
    return 0;
}

static int take_latency(struct latencies *latencies, const char *name, struct json_object *pairs)
{
    struct latency *kind = &latencies->all[latencies->count];
    int error = json_object_is_type(pairs, json_type_array) ? 0 : -EPROTO;

    if (error || latencies->count == SHMAP_REQUEST_KINDS || strlen(name) >= sizeof(kind->name))
        return error;
    strlcpy(kind->name, name, sizeof(kind->name));
    for (size_t i = 0; !error && i < json_object_array_length(pairs); i++)
        error = take_step(kind, json_object_array_get_idx(pairs, i));
    latencies->count++;
    return error;
}

static int take_latencies(struct latencies *latencies, struct json_object *kinds)
{
    struct json_object_iterator at = json_object_iter_begin(kinds);
    struct json_object_iterator end = json_object_iter_end(kinds);
    int error = 0;

    for (; !error && !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
        error = take_latency(latencies, json_object_iter_peek_name(&at),
                             json_object_iter_peek_value(&at));
    return error;
}

int latencies_from_json(const char *json, struct latencies *latencies)
{
    struct json_object *object = json_tokener_parse(json), *pid, *kinds;
    int error = -EPROTO;

    *latencies = (struct latencies){ 0 };
    if (json_object_is_type(object, json_type_object) &&
        json_object_object_get_ex(object, "pid", &pid) && json_object_is_type(pid, json_type_int) &&
        json_object_object_get_ex(object, "latencies", &kinds) &&
        json_object_is_type(kinds, json_type_object)) {
        latencies->pid = json_object_get_uint64(pid);
        error = take_latencies(latencies, kinds);
    }
    json_object_put(object);
    return error;
}

int latencies_get(const char *mountpoint, struct latencies *latencies)
{
    CLEANUP_FREE char *json = malloc(XATTR_SIZE_MAX + 1);
    ssize_t length;

    if (!json)
        return -ENOMEM;
    length = getxattr(mountpoint, SHMAP_XATTR_LATENCIES, json, XATTR_SIZE_MAX);
    if (length < 0)
        return -errno;
    json[length] = '\0';
    return latencies_from_json(json, latencies);
}
