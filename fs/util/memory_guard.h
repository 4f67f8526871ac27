// SPDX-License-Identifier: BSD-2-Clause
/*
 * The memory guard keeps what clients make the daemon take within the memory that there is.
 *
 * Inodes, extended attributes, pages of the RAM area that the daemon writes, and nodes are memory
 * of the daemon's control group. Without a limit the kernel would end one worker after the other,
 * each of which finds the same memory taken, and at last the mount. So near the limit nothing more
 * is made. Free memory is looked at now and then; between two looks it is only counted down.
 */
#ifndef SHMAPFS_MEMORY_GUARD_H
#define SHMAPFS_MEMORY_GUARD_H

#include <stdbool.h>
#include <stdint.h>

/* The most that a new file takes: its inode and name in an area and in the kernel's FUSE client,
 * and its node. */
#define MEMORY_OF_FILE 4096

/* Where the text of the machine's memory is. */
#define MEMORY_MEMINFO "/proc/meminfo"

struct memory_guard;

/* Returns NULL if there is no memory for it. */
struct memory_guard *memory_guard_make(const char *meminfo);
void memory_guard_destroy(struct memory_guard *guard);

/* Takes so many bytes; returns whether they were there. As long as they are, it costs no system
 * call. */
bool memory_guard_take(struct memory_guard *guard, uint64_t bytes);

/* Looks again if the last look was some time ago and something was taken since; for the ticker. */
void memory_guard_tick(struct memory_guard *guard);

#endif
