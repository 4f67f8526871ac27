// SPDX-License-Identifier: BSD-2-Clause
#include "fs/vfs/reclaim.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "fs/util/clock.h"
#include "fs/inode/inode.h"

/* Longer than serving a FORGET takes on a busy machine. Files without a name that are really open
 * cost a full area this delay for each call that fails. */
#define PATIENCE_NANOSECONDS 50000000L

#define WAITERS_MAX 3

/* Space is short when no more than this part of it is free. */
#define SHORT_FRACTION 4

unsigned space_mark(struct mount *mount)
{
    unsigned gone;

    pthread_mutex_lock(&mount->space);
    gone = mount->orphans_gone;
    pthread_mutex_unlock(&mount->space);
    return gone;
}

/* Waits until there are no more than `left` orphans, or one has gone since the mark. The mutex is
 * held. */
static void wait_for_orphans(struct mount *mount, unsigned mark, unsigned left)
{
    struct timespec until = clock_deadline(PATIENCE_NANOSECONDS);
    int error = 0;

    // Those who wait cannot serve what they wait for.
    if (mount->space_waiters >= WAITERS_MAX)
        return;
    mount->space_waiters++;
    mount_will_wait(mount);
    while (mount->orphans_gone == mark && error != ETIMEDOUT &&
           node_table_counts(&mount->nodes).orphans > left)
        error = pthread_cond_timedwait(&mount->space_came, &mount->space, &until);
    mount->space_waiters--;
}

bool space_comes(struct mount *mount, unsigned *mark)
{
    bool came;

    inode_dispose_put_off(mount, true);
    pthread_mutex_lock(&mount->space);
    wait_for_orphans(mount, *mark, 0);
    came = mount->orphans_gone != *mark;
    *mark = mount->orphans_gone;
    pthread_mutex_unlock(&mount->space);
    return came;
}

static bool is_short(const struct area *area)
{
    struct statvfs vfs;

    return fstatvfs(area->root, &vfs) == 0 && vfs.f_bfree <= vfs.f_blocks / SHORT_FRACTION;
}

void space_settle(struct mount *mount, const struct area *area)
{
    unsigned orphans = node_table_counts(&mount->nodes).orphans;
    unsigned mark;

    if (orphans == 0 || !is_short(area))
        return;
    inode_dispose_put_off(mount, true);
    pthread_mutex_lock(&mount->space);
    do {
        mark = mount->orphans_gone;
        wait_for_orphans(mount, mark, mount->orphans_in_use);
        orphans = node_table_counts(&mount->nodes).orphans;
    } while (mount->orphans_gone != mark && orphans > mount->orphans_in_use);
    if (orphans > mount->orphans_in_use)
        mount->orphans_in_use = orphans;
    pthread_mutex_unlock(&mount->space);
}

void space_came(struct mount *mount)
{
    unsigned orphans;

    // Both counts change together, or who looks in between would not wait and not try again.
    pthread_mutex_lock(&mount->space);
    node_orphan_gone(&mount->nodes);
    orphans = node_table_counts(&mount->nodes).orphans;
    mount->orphans_gone++;
    if (orphans < mount->orphans_in_use)
        mount->orphans_in_use = orphans;
    pthread_cond_broadcast(&mount->space_came);
    pthread_mutex_unlock(&mount->space);
}
