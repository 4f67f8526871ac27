// SPDX-License-Identifier: BSD-2-Clause
/* Something that processes wait for, in memory that they share. */
#ifndef SHMAPFS_TESTS_BELL_H
#define SHMAPFS_TESTS_BELL_H

#include <stdatomic.h>
#include <stdint.h>

struct bell {
    _Atomic uint32_t rings;
};

static inline uint32_t bell_seen(const struct bell *bell)
{
    return atomic_load(&bell->rings);
}

void bell_ring(struct bell *bell);

/* Returns when it has rung since it was seen, or after a second at most. */
void bell_wait(struct bell *bell, uint32_t seen);

#endif
