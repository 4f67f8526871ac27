// SPDX-License-Identifier: BSD-2-Clause
#include "fs/vfs/flush.h"

#include <sys/statfs.h>

#include "fs/vfs/writeback.h"

/* As long as a slow disk may take for the dirty pages that the machine's limits allow. A process
 * that goes on writing to a mount that is gone is waited for no longer. */
#define DRAIN_NANOSECONDS UINT64_C(60000000000)
#define QUIET_NANOSECONDS UINT64_C(200000000)

/* Waits until what the page cache held has arrived. For a FUSE file system syncfs(2) only wakes the
 * kernel's writer, and there is nothing to wait on. So the daemon sends requests of its own, which
 * queue up behind the writes, until no write has come for a while. */
static void drain(struct volume *volume, int root)
{
    uint64_t end = clock_now() + DRAIN_NANOSECONDS;
    uint64_t quiet_since = clock_now();
    unsigned seen = atomic_load(&volume->state->life.writes_begun);
    struct statfs ignored;

    while (root >= 0 && clock_now() < end && clock_now() - quiet_since < QUIET_NANOSECONDS) {
        unsigned begun = atomic_load(&volume->state->life.writes_begun);

        if (begun != seen || begun != atomic_load(&volume->state->life.writes_ended))
            quiet_since = clock_now();
        seen = begun;
        if (fstatfs(root, &ignored) != 0)
            break;
    }
}

void flush_wait(struct volume *volume, int root)
{
    if (writeback_happens(volume))
        drain(volume, root);
}
