// SPDX-License-Identifier: BSD-2-Clause
/* The JSON output of shmapctl who, and processes for it to find. */
#ifndef SHMAPFS_TESTS_WHO_OUTPUT_H
#define SHMAPFS_TESTS_WHO_OUTPUT_H

#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/mapping.h"

enum { FAILED = 1, USAGE = 2 };

#define PAGE ((int64_t)page_size())

/* In a coprocess that uses files: says so, and uses them until it is told to end. */
int keep_until_told(struct coprocess *parent);

/* Starts a coprocess that others may inspect although it has changed its user, as a login shell. */
void start_user(struct coprocess *coprocess, coprocess_body *body, const char *path);
void end_user(struct coprocess *coprocess);

/* The output of who for a path; what a process does with the file, or NULL; how many processes use
 * it. */
struct json_object *who_json(const char *path);
struct json_object *uses_of(struct json_object *answer, pid_t pid);
size_t count_processes(struct json_object *answer);

void assert_open(struct json_object *uses, int fd, const char *access);
void assert_mapped(struct json_object *uses, const char *sharing, const char *access,
                   int64_t offset, int64_t length);

/* Opens a file at a descriptor that the case can name: what a coprocess has inherited is below. */
int open_as(const char *path, int flags, int number);

/* Users that open a file, and map it. */
coprocess_body opens, maps;

#endif
