// SPDX-License-Identifier: BSD-2-Clause
#include "tools/metrics/exposition.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "lib/sys/escape.h"

#define MICROSECONDS UINT64_C(1000000)

static void write_label(const struct label *label, FILE *out)
{
    size_t room = ESCAPE_GROWTH * strlen(label->value) + 1;
    CLEANUP_FREE char *value = malloc(room);

    if (!value)
        err(EXIT_FAILURE, NULL);
    // OpenMetrics is UTF-8 whatever the locale is.
    escape_text(label->value, true, value, room);
    fprintf(out, "%s=\"", label->name);
    for (const char *at = value; *at; at++) {
        if (*at == '\\' || *at == '"')
            fputc('\\', out);
        fputc(*at, out);
    }
    fputc('"', out);
}

static bool is_time(const struct metric_family *family)
{
    return family->unit && strcmp(family->unit, "seconds") == 0;
}

/* The samples of a counter have a name of their own. */
static const char *suffix_of(const struct metric_family *family)
{
    return strcmp(family->type, "counter") == 0 ? "_total" : "";
}

static void write_sample(const struct metric_family *family, const struct sample *sample, FILE *out)
{
    fprintf(out, "%s%s{", family->name, suffix_of(family));
    for (size_t i = 0; i < sample->count; i++) {
        if (i > 0)
            fputc(',', out);
        write_label(&sample->labels[i], out);
    }
    if (is_time(family))
        fprintf(out, "} %" PRIu64 ".%06" PRIu64 "\n", sample->value / MICROSECONDS,
                sample->value % MICROSECONDS);
    else
        fprintf(out, "} %" PRIu64 "\n", sample->value);
}

/* Prometheus' own format has no units, and a family has the name of its samples. */
static void write_family(const struct metric_family *family, enum metrics_format format, FILE *out)
{
    const char *suffix = format == METRICS_PROMETHEUS ? suffix_of(family) : "";

    fprintf(out, "# TYPE %s%s %s\n", family->name, suffix, family->type);
    if (family->unit && format == METRICS_OPENMETRICS)
        fprintf(out, "# UNIT %s %s\n", family->name, family->unit);
    fprintf(out, "# HELP %s%s %s\n", family->name, suffix, family->help);
}

void metrics_write(const struct metrics *metrics, enum metrics_format format, FILE *out)
{
    for (size_t i = 0; i < METRICS; i++) {
        const struct metric_family *family = &METRIC_FAMILIES[i];

        if (metrics->samples[i].count == 0)
            continue;
        write_family(family, format, out);
        for (size_t k = 0; k < metrics->samples[i].count; k++)
            write_sample(family, &metrics->samples[i].all[k], out);
    }
    if (format == METRICS_OPENMETRICS)
        fputs("# EOF\n", out);
}

static struct json_object *sample_object(const struct metric_family *family,
                                         const struct sample *sample)
{
    struct json_object *object = json_object_new_object(), *labels = json_object_new_object();

    for (size_t i = 0; i < sample->count; i++)
        json_object_object_add(labels, sample->labels[i].name,
                               json_object_new_string(sample->labels[i].value));
    json_object_object_add(object, "labels", labels);
    json_object_object_add(
        object, "value",
        is_time(family) ? json_object_new_double((double)sample->value / (double)MICROSECONDS)
                        : json_object_new_uint64(sample->value));
    return object;
}

struct json_object *metrics_object(const struct metrics *metrics)
{
    struct json_object *answer = json_object_new_object(), *array = json_object_new_array();

    for (size_t i = 0; i < METRICS; i++) {
        const struct metric_family *family = &METRIC_FAMILIES[i];
        struct json_object *object = json_object_new_object(), *samples = json_object_new_array();

        for (size_t k = 0; k < metrics->samples[i].count; k++)
            json_object_array_add(samples, sample_object(family, &metrics->samples[i].all[k]));
        json_object_object_add(object, "name", json_object_new_string(family->name));
        json_object_object_add(object, "type", json_object_new_string(family->type));
        json_object_object_add(object, "unit",
                               family->unit ? json_object_new_string(family->unit) : NULL);
        json_object_object_add(object, "samples", samples);
        json_object_array_add(array, object);
    }
    json_object_object_add(answer, "metrics", array);
    return answer;
}

/* Writes all to a new file. Returns 0 or a negative errno. */
static int write_new(const struct metrics *metrics, enum metrics_format format, int fd)
{
    FILE *out = fdopen(fd, "w");
    bool failed;

    if (!out)
        return -errno;
    metrics_write(metrics, format, out);
    // The reader is another user.
    failed = fflush(out) != 0 || ferror(out) || fchmod(fd, 0644) != 0;
    if (failed) {
        int error = errno;

        fclose(out);
        return -error;
    }
    return fclose(out) == 0 ? 0 : -errno;
}

int metrics_replace(const struct metrics *metrics, enum metrics_format format, const char *path)
{
    CLEANUP_FREE char *fresh = NULL;
    int fd, error;

    // A reader of a directory takes no notice of a file whose name ends like that.
    if (asprintf(&fresh, "%s.XXXXXX", path) < 0)
        return -ENOMEM;
    fd = mkostemp(fresh, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    error = write_new(metrics, format, fd);
    if (!error && rename(fresh, path) != 0)
        error = -errno;
    if (error)
        unlink(fresh);
    return error;
}
