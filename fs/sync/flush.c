// SPDX-License-Identifier: BSD-2-Clause
#include "fs/sync/flush.h"

#include <sys/statfs.h>

#include "fs/vfs/writeback.h"

/* As long as a slow disk may take for the dirty pages that the machine's limits allow. A process
 * that goes on writing to a mount that is gone is waited for no longer. */
#define DRAIN_NANOSECONDS UINT64_C(60000000000)
#define QUIET_NANOSECONDS UINT64_C(200000000)

/* The kernel's writer waits for a processor as everybody does: it is given as long as so many of
 * the daemon's own requests took. */
#define QUIET_ANSWERS 32

static uint64_t more(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Waits until what the page cache held has arrived. For a FUSE file system syncfs(2) only wakes the
 * kernel's writer, and there is nothing to wait on. So the daemon sends requests of its own, which
 * queue up behind the writes, until no write has come for a while. */
static void drain(struct volume *volume, int root)
{
    uint64_t now = clock_now(), end = now + DRAIN_NANOSECONDS;
    uint64_t quiet_since = now, quiet = QUIET_NANOSECONDS, asked;
    unsigned seen = atomic_load(&volume->state->life.writes_begun);
    struct statfs ignored;

    while (root >= 0 && now < end && now - quiet_since < quiet) {
        unsigned begun = atomic_load(&volume->state->life.writes_begun);

        if (begun != seen || begun != atomic_load(&volume->state->life.writes_ended))
            quiet_since = now;
        seen = begun;
        asked = clock_now();
        if (fstatfs(root, &ignored) != 0)
            break;
        now = clock_now();
        quiet = more(quiet, QUIET_ANSWERS * (now - asked));
    }
}

void flush_wait(struct volume *volume, int root)
{
    if (writeback_happens(volume))
        drain(volume, root);
}
