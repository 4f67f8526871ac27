// SPDX-License-Identifier: BSD-2-Clause
/*
 * When files are saved that have an interval for that. The mount's clock counts seconds; a file is
 * saved when its interval divides the number. So nothing has to be known of each file, and after a
 * worker's death nothing is forgotten but how long the last interval was.
 */
#ifndef SHMAPFS_SAVE_TIMES_H
#define SHMAPFS_SAVE_TIMES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/class/commit_mark.h"

/* Intervals, in seconds. */
struct save_intervals {
    uint8_t bits[COMMIT_INTERVAL_MAX / 8 + 1];
};

/* Returns one without intervals, for free(); NULL: out of memory. */
struct save_times *save_times_make(void);

/* Notes that a file with an interval is open for writing. */
void save_times_note(struct save_times *times, unsigned interval);

/* Waits until files are to be saved: those for whose interval save_is_due() returns true. Returns
 * the number of the second; 0: it is over. */
uint64_t save_times_wait(struct save_times *times);

static inline bool save_is_due(uint64_t second, unsigned interval)
{
    return interval > 0 && second % interval == 0;
}

/* Notes which of the intervals that are due in a second some file still has; the others are
 * forgotten until they are noted again. */
void save_times_found(struct save_times *times, uint64_t second,
                      const struct save_intervals *found);

static inline void save_intervals_add(struct save_intervals *intervals, unsigned interval)
{
    intervals->bits[interval / 8] |= (uint8_t)(1U << interval % 8);
}

static inline bool save_intervals_have(const struct save_intervals *intervals, unsigned interval)
{
    return intervals->bits[interval / 8] >> interval % 8 & 1;
}

/* Has the waiting thread end. */
void save_times_end(struct save_times *times);

#endif
