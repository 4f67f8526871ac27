// SPDX-License-Identifier: BSD-2-Clause
/*
 * A copy of all that is in a mount: what is committed as of one moment, everything else file by
 * file.
 */
#ifndef SHMAPCTL_TREE_SNAPSHOT_H
#define SHMAPCTL_TREE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

struct tree_snapshot_wish {
    const char *mountpoint;
    const char *destination;
    bool anon;            // what does not last is wanted, too
    bool without_writing; // nobody may write to it
    bool json;
};

/* Makes it, or leaves nothing, and says how it went. Returns the exit status. */
int tree_snapshot_make(const struct tree_snapshot_wish *wish);

#endif
