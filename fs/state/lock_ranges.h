// SPDX-License-Identifier: BSD-2-Clause
/*
 * The ranges of a file that one owner has locked. The area's own file has the locks themselves;
 * this is what tells whose they are: to whoever asks for that, and when a wait would never end.
 *
 * It lies in shared memory, where a worker may die at any instruction. So nothing here is needed
 * to keep two owners apart, and a count that is out of bounds counts as none.
 */
#ifndef SHMAPFS_LOCK_RANGES_H
#define SHMAPFS_LOCK_RANGES_H

#include <stdbool.h>
#include <stdint.h>

/* The end of a range without one. */
#define LOCK_RANGE_END INT64_MAX

/* More ranges of one owner are locked, but not noted. */
#define LOCK_RANGES_MAX 8U

struct lock_range {
    int64_t start, end; // the last byte
    int32_t type;       // F_RDLCK or F_WRLCK
    uint32_t reserved;
};

struct lock_ranges {
    uint32_t count;
    uint32_t more; // some were not noted
    struct lock_range at[LOCK_RANGES_MAX];
};

/* Notes that a range has this type from now on; F_UNLCK: it is not locked any more. */
void lock_ranges_set(struct lock_ranges *ranges, int64_t start, int64_t end, int type);

/* Returns whether nothing is locked. */
bool lock_ranges_are_none(const struct lock_ranges *ranges);

/* Returns whether another owner could not lock a range so. */
bool lock_ranges_forbid(const struct lock_ranges *ranges, int64_t start, int64_t end, int type);

/* Returns how many ranges are noted. */
static inline uint32_t lock_ranges_count(const struct lock_ranges *ranges)
{
    return ranges->count < LOCK_RANGES_MAX ? ranges->count : LOCK_RANGES_MAX;
}

#endif
