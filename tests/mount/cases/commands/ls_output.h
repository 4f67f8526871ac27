// SPDX-License-Identifier: BSD-2-Clause
/* The JSON output of shmapctl ls, and files for it to list. */
#ifndef SHMAPFS_TESTS_LS_OUTPUT_H
#define SHMAPFS_TESTS_LS_OUTPUT_H

#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/harness/mapping.h"

enum { FAILED = 1, USAGE = 2, PAGES = 10 };

#define PAGE  ((int64_t)page_size())
#define BYTES (PAGES * PAGE)

/* Returns whether an area of the mount has passthrough, which not every kernel and user namespace
 * allows. */
bool area_is_passthrough(const struct workspace *workspace, const char *area);

/* Ends the case where the kernel does not count pages (Linux 6.5 does). */
void need_cachestat(void);

/* The output of ls for a path; the objects in it, and the one that has this path. */
struct json_object *ls_json(const char *path);
struct json_object *objects_of(struct json_object *answer);
struct json_object *ls_object(struct json_object *answer, const char *path);

/* One number of one object of the mount, as it is now. */
int64_t ls_number(const char *path, const char *name);

/* Writes PAGES pages. */
void write_pages(int fd);

#endif
