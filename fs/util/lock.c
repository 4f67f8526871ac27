// SPDX-License-Identifier: BSD-2-Clause
#include "fs/util/lock.h"

#ifdef SHMAPFS_LOCK_CHECKS
#include <stdlib.h>

#include "fs/util/log.h"

static const char *const NAMES[LOCK_RANKS] = {
    [LOCK_OPTIONS] = "options",
    [LOCK_CLASS_ROOTS] = "class roots",
    [LOCK_MIRRORS] = "mirrors",
    [LOCK_PENDING] = "pending invalidations",
    [LOCK_NAMES] = "names",
    [LOCK_ENTRIES] = "entries",
    [LOCK_LAST_CLOSE] = "last close",
    [LOCK_STRIPE] = "stripe",
    [LOCK_BACKING] = "backing files",
    [LOCK_CLOSING] = "closing",
    [LOCK_DEFERRED] = "deferred close",
    [LOCK_ORPHANS] = "orphans",
    [LOCK_RELEASES] = "releases",
    [LOCK_SIZE_NOTIFY] = "sizes",
    [LOCK_SERVER] = "server",
    [LOCK_RECORDS] = "request records",
    [LOCK_ADMISSION] = "admission",
    [LOCK_PARKING] = "parking",
    [LOCK_LEADERS] = "leaders",
    [LOCK_TICKER] = "ticker",
    [LOCK_SYNCS] = "syncs",
    [LOCK_MEMORY] = "memory guard",
    [LOCK_NODES] = "node table",
    [LOCK_BROKER] = "connection to the broker",
};

/* Returns how many locks of each rank the calling thread holds. */
static unsigned *held_by_thread(void)
{
    static _Thread_local unsigned held[LOCK_RANKS];

    return held;
}

/* Two stripes, or the same lock twice, are out of order too. A thread that reads under a
 * reader-writer lock may take it for reading again, but no thread does. */
void lock_note_taken(enum lock_rank rank, bool waits)
{
    unsigned *held = held_by_thread();

    for (int other = rank; waits && other < LOCK_RANKS; other++) {
        if (held[other] == 0)
            continue;
        log_event(LOG_ERR, "the lock of %s is taken while that of %s is held", NAMES[rank],
                  NAMES[other]);
        abort();
    }
    held[rank]++;
}

void lock_note_released(enum lock_rank rank)
{
    unsigned *held = held_by_thread();

    if (held[rank]-- > 0)
        return;
    log_event(LOG_ERR, "the lock of %s is released, but not held", NAMES[rank]);
    abort();
}
#else
/* A translation unit must not be empty. */
_Static_assert(LOCK_RANKS > 0, "there are locks");
#endif
