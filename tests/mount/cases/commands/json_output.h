// SPDX-License-Identifier: BSD-2-Clause
/* What a command said in JSON, for cases that look into it. */
#ifndef SHMAPFS_TESTS_ANSWER_H
#define SHMAPFS_TESTS_ANSWER_H

#include "tests/mount/workspace/workspace.h"

#include <json-c/json.h>

/* The object that standard output is, on one line; for json_object_put(). Standard error may hold the
 * line about processes that could not be looked at, and nothing else. */
struct json_object *answer_of(const struct program_result *result);

/* A member that must be there; its value as a number or a text. */
struct json_object *answer_member(struct json_object *object, const char *name);
int64_t answer_number(struct json_object *object, const char *name);
const char *answer_text(struct json_object *object, const char *name);

/* The element of an array whose member has that value; NULL: there is none. */
struct json_object *answer_find(struct json_object *array, const char *name, const char *text);
struct json_object *answer_find_number(struct json_object *array, const char *name, int64_t number);

/* Asserts status 0 and at most that line on standard error. */
void assert_answered(const struct program_result *result);

/* How many cases there are on this command line, where the last of them, that many, take root. */
#define CASE_COUNT(argc, argv, cases, of_root) \
    (sizeof(cases) / sizeof((cases)[0]) -      \
     ((argc) == 3 && strcmp((argv)[2], "user") == 0 ? (of_root) : 0))

#define ROOT_LAST_MAIN(group, cases, of_root)                                                    \
    int main(int argc, char **argv)                                                              \
    {                                                                                            \
        return workspace_main(argc, argv, group, cases, CASE_COUNT(argc, argv, cases, of_root)); \
    }

#endif
