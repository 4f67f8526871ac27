// SPDX-License-Identifier: BSD-2-Clause
#include "fs/limit/share.h"

#include <errno.h>

#include "fs/inode/descriptors.h"
#include "fs/inode/orphans.h"
#include "fs/util/clock.h"

/* Users leave 1/ROOT_FRACTION of the descriptors to root, and root leaves 1/DAEMON_FRACTION to the
 * daemon. */
#define ROOT_FRACTION   8
#define DAEMON_FRACTION 16

/* How long a call waits. A user's call that waits may hold up others at the same directory. */
#define ROOT_NANOSECONDS UINT64_C(3000000000)
#define USER_NANOSECONDS UINT64_C(20000000)

static bool has_share(const struct volume *volume, uid_t user)
{
    return user != 0 && user != volume->info.owner;
}

static bool is_used_up(struct volume *volume, uid_t user)
{
    uint64_t all = (uint64_t)descriptors_for_clients(volume);
    unsigned percent = volume->info.user_descriptors;
    struct node_pinned pinned = node_pinned(&volume->nodes, user);

    if (!has_share(volume, user))
        return pinned.all >= all - all / DAEMON_FRACTION;
    if (percent == 0)
        percent = SHARE_PERCENT_DEFAULT;
    return pinned.by_user >= all * percent / 100 || pinned.all >= all - all / ROOT_FRACTION;
}

int share_check(struct volume *volume, uid_t user)
{
    uint64_t end = 0;
    unsigned mark;
    bool came = true;

    mark = orphans_gone(volume);
    while (is_used_up(volume, user)) {
        if (end == 0)
            end = clock_now() + (has_share(volume, user) ? USER_NANOSECONDS : ROOT_NANOSECONDS);
        if (!came || clock_now() >= end)
            return -ENFILE;
        came = orphans_wait_until(volume, &mark, end);
    }
    return 0;
}

void share_count(struct inode *inode, uid_t user)
{
    node_set_payer(&inode->volume->nodes, &inode->ref, user);
}
