// SPDX-License-Identifier: BSD-2-Clause
/* Metrics as others read them. */
#ifndef SHMAPCTL_EXPOSITION_H
#define SHMAPCTL_EXPOSITION_H

#include <json-c/json.h>
#include <stdio.h>

#include "tools/metrics/metrics.h"

enum metrics_format {
    METRICS_OPENMETRICS, // 1.0
    METRICS_PROMETHEUS,  // the text format 0.0.4, which node_exporter and promtool read
};

/* Writes them as text. Bytes of labels that are not printable UTF-8, and backslashes, are written
 * as a backslash and three octal digits, as everywhere. */
void metrics_write(const struct metrics *metrics, enum metrics_format format, FILE *out);

/* Returns the same as an object of JSON. */
struct json_object *metrics_object(const struct metrics *metrics);

/* Writes the text to a file, which takes the place of one that is there when it is whole. Returns 0
 * or a negative errno. */
int metrics_replace(const struct metrics *metrics, enum metrics_format format, const char *path);

#endif
