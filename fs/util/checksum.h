// SPDX-License-Identifier: BSD-2-Clause
#ifndef SHMAPFS_MIX_H
#define SHMAPFS_MIX_H

#include <stdint.h>

/* Takes a word into a sum that tells one row of words from another. */
static inline uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 29;
}

#endif
