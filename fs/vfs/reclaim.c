// SPDX-License-Identifier: BSD-2-Clause
#include "fs/vfs/reclaim.h"

#include <sys/statvfs.h>

#include "fs/inode/deferred_close.h"
#include "fs/inode/orphans.h"

/* Space is short when no more than 1/SHORT_FRACTION of it is free. */
#define SHORT_FRACTION 4

unsigned reclaim_mark(struct volume *volume)
{
    return orphans_gone(volume);
}

bool reclaim_wait(struct volume *volume, unsigned *mark)
{
    deferred_close_run(volume);
    return orphans_wait(volume, mark);
}

static bool is_short(const struct area *area)
{
    struct statvfs vfs;

    return fstatvfs(area->root, &vfs) == 0 && vfs.f_bfree <= vfs.f_blocks / SHORT_FRACTION;
}

void reclaim_settle(struct volume *volume, const struct area *area)
{
    if (node_table_counts(&volume->nodes).orphans == 0 || !is_short(area))
        return;
    deferred_close_run(volume);
    orphans_settle(volume);
}
