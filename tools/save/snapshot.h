// SPDX-License-Identifier: BSD-2-Clause
/*
 * A copy of a file that others may write meanwhile, also through mappings, of which no time of
 * change tells.
 *
 * The file is read again until the copy holds nothing else. Then the copy is what the file held at
 * the moment when its last reading began: each byte was so at an earlier reading, and at that one.
 * (A byte that was another one between them, and then the same again, goes unseen.)
 */
#ifndef SHMAPCTL_SNAPSHOT_H
#define SHMAPCTL_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/ui/interruption.h"

struct snapshot {
    uint64_t size;
    unsigned readings; // of the whole file
    bool exact;        // the copy is what the file held at one moment
};

/* Makes a new, empty file a copy of another one, with its holes. Gives up, and leaves what was read
 * last, when each of some readings found a change. Returns 0, -EINTR, or another negative errno. */
int snapshot_take(int file, int copy, struct interruption *interruption, struct snapshot *snapshot);

#endif
