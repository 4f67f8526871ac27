// SPDX-License-Identifier: BSD-2-Clause
/* Checksums of what is in shared memory. They find what was overwritten by mistake, not on
 * purpose. */
#ifndef SHMAPFS_CHECKSUM_H
#define SHMAPFS_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Adds a word to a checksum of words; their order counts. */
static inline uint64_t checksum_word(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 29;
}

/* Adds bytes to a checksum that begins with CHECKSUM_BYTES: FNV-1a (Fowler, Noll, Vo). */
#define CHECKSUM_BYTES UINT64_C(0xcbf29ce484222325)
static inline uint64_t checksum_bytes(uint64_t sum, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
    return sum;
}

#endif
