// SPDX-License-Identifier: BSD-2-Clause
/* A control group with a limit of memory, in whichever version of them the machine has it. */
#ifndef SHMAPFS_TESTS_MEMORY_CGROUP_H
#define SHMAPFS_TESTS_MEMORY_CGROUP_H

#include <limits.h>
#include <stdint.h>

struct memory_cgroup {
    char directory[PATH_MAX + 64];
    char processes[PATH_MAX + 128]; // a process that writes 0 there goes into the group
};

/* Makes it in a hierarchy that is mounted for that, below the working directory; skips the case
 * where the kernel has none. */
void memory_cgroup_make(struct memory_cgroup *cgroup, int64_t limit);

/* Removes it, when all its processes have ended. */
void memory_cgroup_remove(const struct memory_cgroup *cgroup);

#endif
