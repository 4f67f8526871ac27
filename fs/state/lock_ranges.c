// SPDX-License-Identifier: BSD-2-Clause
#include "fs/state/lock_ranges.h"

#include <fcntl.h>

static void add(struct lock_ranges *ranges, int64_t start, int64_t end, int type)
{
    if (start > end)
        return;
    if (ranges->count == LOCK_RANGES_MAX) {
        ranges->more = 1;
        return;
    }
    ranges->at[ranges->count++] = (struct lock_range){ .start = start, .end = end, .type = type };
}

/* Adds what of a range is outside of another one. */
static void add_outside(struct lock_ranges *ranges, const struct lock_range *range, int64_t start,
                        int64_t end)
{
    if (range->end < start || range->start > end) {
        add(ranges, range->start, range->end, range->type);
        return;
    }
    // `start` is above 0, and `end` below the last byte, wherever something is left there.
    if (range->start < start)
        add(ranges, range->start, start - 1, range->type);
    if (range->end > end)
        add(ranges, end + 1, range->end, range->type);
}

/* Returns whether two ranges of one type are one. Neither ends behind the last byte there is. */
static bool touch(const struct lock_range *range, int64_t start, int64_t end)
{
    return (range->start == 0 || range->start - 1 <= end) &&
           (start == 0 || start - 1 <= range->end);
}

void lock_ranges_set(struct lock_ranges *ranges, int64_t start, int64_t end, int type)
{
    uint32_t more = start == 0 && end == LOCK_RANGE_END ? 0 : ranges->more;
    struct lock_ranges changed = { .more = more };
    int64_t first = start, last = end;

    for (uint32_t i = 0; i < lock_ranges_count(ranges); i++) {
        const struct lock_range *range = &ranges->at[i];

        if (range->type == type && touch(range, start, end)) {
            first = range->start < first ? range->start : first;
            last = range->end > last ? range->end : last;
        } else {
            add_outside(&changed, range, start, end);
        }
    }
    if (type != F_UNLCK)
        add(&changed, first, last, type);
    *ranges = changed;
}

bool lock_ranges_are_none(const struct lock_ranges *ranges)
{
    return lock_ranges_count(ranges) == 0 && !ranges->more;
}

bool lock_ranges_forbid(const struct lock_ranges *ranges, int64_t start, int64_t end, int type)
{
    for (uint32_t i = 0; i < lock_ranges_count(ranges); i++) {
        const struct lock_range *range = &ranges->at[i];

        if (range->start <= end && start <= range->end &&
            (range->type == F_WRLCK || type == F_WRLCK))
            return true;
    }
    return false;
}
