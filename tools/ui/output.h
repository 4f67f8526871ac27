// SPDX-License-Identifier: BSD-2-Clause
/* How the commands print what they found, or what went wrong. */
#ifndef SHMAPCTL_OUTPUT_H
#define SHMAPCTL_OUTPUT_H

#include <json-c/json.h>
#include <stdint.h>

#include "lib/api/shmap.h"

/* Prints on standard error what is wrong with a path and what would be right.
 * Returns EXIT_FAILURE. */
int fail(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints an object as one line of JSON and frees it. Returns the exit status. */
int print_json(struct json_object *object);

/* Returns the state of a mount as an object of JSON. */
struct json_object *status_object(const struct shmap_status *status);

/* Returns a copy of a text from elsewhere with its control characters escaped, as a terminal may
 * show it. For free(). */
char *printable(const char *text);

/* Room for a number of bytes as people read it: "512M", "1.5G". */
struct amount {
    char text[5];
};
struct amount humanize(uint64_t bytes);

/* Returns the milliseconds of the clock that only goes forward. */
int64_t now_ms(void);

#endif
