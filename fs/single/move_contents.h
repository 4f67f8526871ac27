// SPDX-License-Identifier: BSD-2-Clause
/* Copying the contents of a file to where another class keeps them. */
#ifndef SHMAPFS_MOVE_CONTENTS_H
#define SHMAPFS_MOVE_CONTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct inode;

/* A copy under way. */
struct move {
    struct inode *inode;
    bool (*is_given_up)(const struct move *move);
    bool (*take_memory)(const struct move *move, size_t bytes); // NULL: the target is on a disk
};

/* Makes a file what another one is: data, holes and the times. Both descriptors can read, and the
 * second one write. Returns 0 when that is on the target's disk, or a negative errno; -ECANCELED:
 * it was given up. */
int move_contents(int from, int to, const struct move *move);

/* Writes all of some data. Returns 0 or a negative errno. */
int move_write(int to, const void *data, size_t size, off_t offset);

#endif
