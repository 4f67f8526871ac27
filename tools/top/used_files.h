// SPDX-License-Identifier: BSD-2-Clause
/* The files of a mount that processes have open or mapped, by how much of each is in memory. */
#ifndef SHMAPCTL_USED_FILES_H
#define SHMAPCTL_USED_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/api/shmap.h"

struct used_file {
    char *path; // as its first user sees it
    uint64_t inode;
    struct shmap_pages pages;
    uint64_t uncommitted; // bytes
    pid_t pid;            // of its first user
    char *command;        // likewise
    size_t users;         // processes
};

/* The first ones, with most in memory, of those whose path leads to them from here. */
struct used_files {
    struct used_file *all;
    size_t count;
};

/* Looks for them: a pass over /proc, and two questions to the mount for each of at most a hundred
 * files. Processes that the caller may not inspect are left out. */
void used_files_find(const char *mountpoint, struct used_files *files);

void used_files_free(struct used_files *files);

#endif
