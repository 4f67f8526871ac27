// SPDX-License-Identifier: BSD-2-Clause
/* A command's output in JSON, for cases that look into it. */
#ifndef SHMAPFS_TESTS_JSON_OUTPUT_H
#define SHMAPFS_TESTS_JSON_OUTPUT_H

#include "tests/mount/workspace/workspace.h"

#include <json-c/json.h>

/* The object that standard output holds, on one line; for json_object_put(). Standard error may
 * hold the line about processes that could not be inspected, and nothing else. */
struct json_object *json_output_of(const struct program_result *result);

/* A member that must be there; its value as a number or a text. */
struct json_object *json_member(struct json_object *object, const char *name);
int64_t json_number(struct json_object *object, const char *name);
const char *json_text(struct json_object *object, const char *name);

/* The element of an array whose member has that value; NULL if there is none. */
struct json_object *json_find(struct json_object *array, const char *name, const char *text);
struct json_object *json_find_number(struct json_object *array, const char *name, int64_t number);

/* Asserts status 0 and at most that line on standard error. */
void assert_done_or_incomplete(const struct program_result *result);

#endif
