// SPDX-License-Identifier: BSD-2-Clause
/* The places at which the memory of a mount can be damaged. */
#ifndef SHMAPFS_TESTS_DAMAGE_H
#define SHMAPFS_TESTS_DAMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* STATE is a memory of its own; the others are places in that of the node table. */
enum memory { STATE, TABLE, BUCKETS, SLOTS };

struct spot {
    const char *name;
    enum memory memory;
    size_t offset, stride;
    unsigned count; // 0: one
    uint8_t bits;   // to change; 0: some
    bool noticed;   // it cannot be passed over
};

/* Lists that end with a spot without a name. */
extern const struct spot damage_state[], damage_request[], damage_result[], damage_table[],
    damage_slot[];

/* A spot on which no answer depends. */
extern const struct spot damage_none;

/* Any byte but the requests' on their way, whose contents are whatever was sent. */
struct spot damage_anywhere_in(enum memory memory, size_t number);

/* The offset of a spot in its memory; `table` is that of the node table, still undamaged. */
size_t damage_offset(const struct spot *spot, const uint8_t *table, size_t table_bytes);

#endif
