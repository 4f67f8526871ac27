// SPDX-License-Identifier: BSD-2-Clause
/*
 * How much memory this process may still take before the kernel looks for a process to end: up to
 * the limits of its control group and of those around it, and up to what the machine has.
 *
 * Memory that the kernel can free by itself counts as free, and so does what can go to swap. Before
 * each limit there is a reserve, for what the process cannot help taking, such as starting another.
 */
#ifndef SHMAP_MEMORY_ROOM_H
#define SHMAP_MEMORY_ROOM_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

struct memory_files;

/* A control group with its files of limits. */
struct memory_group {
    const struct memory_files *files; // NULL: there is none
    char directory[PATH_MAX];
    size_t top; // the length of the part at which the hierarchy begins
};

/* Finds the group whose limits hold for the calling process. */
void memory_group_find(struct memory_group *group);

/* The group at a directory, in a hierarchy of version 1 or 2 that begins after `top` bytes of
 * it. */
void memory_group_at(struct memory_group *group, int version, const char *directory, size_t top);

/* Returns how many bytes there are until the nearest reserve begins, 0 or less within it; INT64_MAX
 * where there is no limit, or it cannot be read. `meminfo` is a file like /proc/meminfo. */
int64_t memory_room(const struct memory_group *group, const char *meminfo);

#endif
