// SPDX-License-Identifier: BSD-2-Clause
/* Metrics as others read them. */
#ifndef SHMAPCTL_EXPOSITION_H
#define SHMAPCTL_EXPOSITION_H

#include <json-c/json.h>
#include <stdio.h>

#include "tools/metrics/metrics.h"

/* Writes the text of OpenMetrics 1.0. Bytes of labels that are not printable UTF-8, and
 * backslashes, are written as a backslash and three octal digits, as everywhere. */
void metrics_write(const struct metrics *metrics, FILE *out);

/* Returns the same as an object of JSON. */
struct json_object *metrics_object(const struct metrics *metrics);

/* Writes the text to a file, which takes the place of one that is there when it is whole. Returns 0
 * or a negative errno. */
int metrics_replace(const struct metrics *metrics, const char *path);

#endif
