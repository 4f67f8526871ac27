// SPDX-License-Identifier: BSD-2-Clause
/* The documented differences between a mount and the filesystem that it is held to: one table. */
#ifndef SHMAPFS_TESTS_FUZZ_LIMITS_H
#define SHMAPFS_TESTS_FUZZ_LIMITS_H

#include <stdbool.h>
#include <stdio.h>

/* Which mount it is, and which of its areas a round is in. */
struct fuzz_place {
    bool cached;   // the data goes through FUSE's page cache
    bool root;     // the mount is root's, and so is the first client
    bool persist;  // in the store; otherwise in the RAM area
    bool stores;   // the round writes through shared mappings
    bool reserves; // the round reserves space
};

enum fuzz_limit {
    LIMIT_NONE,
    LIMIT_COLLAPSE_RANGE,
    LIMIT_SETFL,
    LIMIT_USER_KILLPRIV,
    LIMIT_TRUNCATE_IN_VAIN,
    LIMIT_ATIME,
    LIMIT_CHOWN_IN_VAIN,
    LIMIT_EMPTY_READS,
    LIMIT_COPY_ATIME,
    LIMIT_LISTING_ATIME,
    LIMIT_MTIME_OF_STORES,
    LIMIT_MTIME_OF_TRUNCATED,
    LIMIT_LOCKS_OF_MAPPED,
    LIMIT_ZERO_RANGE,
    LIMIT_TIMES_OF_FIFOS,
    LIMIT_HOLES,
    LIMIT_HOLES_OF_RESERVED,
    LIMIT_UNREADABLE_FLAGS,
};

/* Says what is not compared, and why. */
void fuzz_limits_print(FILE *out);

/* Returns whether the difference may be seen there. */
bool fuzz_limited(const struct fuzz_place *place, enum fuzz_limit limit);

#endif
