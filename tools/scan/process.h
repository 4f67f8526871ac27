// SPDX-License-Identifier: BSD-2-Clause
/* A process as /proc shows it; `dir` is a descriptor of its directory there, which stays with that
 * process when its number is used again. What has ended meanwhile answers with nothing. */
#ifndef SHMAPCTL_PROCESS_H
#define SHMAPCTL_PROCESS_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Opens one of its files for reading; NULL: that cannot be. */
FILE *process_file(int dir, const char *name);

/* The name of what it executes, whole where the kernel has cut it off; for free(). */
char *process_command(int dir);

struct process_facts {
    uid_t uid;       /* the effective one */
    bool has_memory; /* otherwise it has ended, or is one of the kernel's threads */
};
struct process_facts process_facts(int dir);

#endif
