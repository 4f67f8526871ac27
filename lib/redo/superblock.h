// SPDX-License-Identifier: BSD-2-Clause
/*
 * The superblocks of a journal's file. They alternate, so that one is whole while the other is
 * written.
 */
#ifndef SHMAP_REDO_SUPERBLOCK_H
#define SHMAP_REDO_SUPERBLOCK_H

#include <stdint.h>

#include "lib/redo/format.h"

struct superblock {
    uint32_t version;
    uint64_t size;
    uint64_t generation;
    unsigned half;
    uint8_t session[REDO_SESSION];
};

/* Writes the superblock of a generation; syncs nothing. Returns 0 or a negative errno. */
int superblock_write(int fd, const struct superblock *superblock);

/* Reads the one of the latest generation. Returns 0 or a negative errno; -ENODATA: there is none,
 * and so nothing was ever committed; -EPROTONOSUPPORT: it is of a version that is not known, which
 * `superblock` has. */
int superblock_read(int fd, struct superblock *superblock);

#endif
