// SPDX-License-Identifier: BSD-2-Clause
/* Questions to a directory: what calls do there that filesystems answer differently. */
#ifndef SHMAPFS_TESTS_PROBE_H
#define SHMAPFS_TESTS_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PROBE_PAGE = 4096 };

/* The answer of a filesystem, in a few words that a table has room for: nothing that changes from
 * one run to the next. */
struct answer {
    char text[64];
};

struct probe {
    const char *call; // as the table names it
    void (*ask)(struct answer *answer);
};

/* A question is asked in a new, empty working directory, in a process of its own, by root. */
extern const struct probe ATTRIBUTE_PROBES[], EXTENT_PROBES[], HANDLE_PROBES[], LOCK_PROBES[],
    NAME_PROBES[], PAGE_PROBES[]; // each ends with one that has no name

void says(struct answer *answer, const char *text);

/* Answers «ok», or the name of errno for -1. */
void says_result(struct answer *answer, long result);

/* Conditions of a question, before it can be asked. They end the process where the filesystem cannot
 * do even that. */
int make_file(const char *name, size_t size); // of bytes that are not 0; open for everything
void *map_file(int fd, size_t size);
void need(bool done, const char *what);

#endif
