// SPDX-License-Identifier: BSD-2-Clause
/* Checks of the shared memory: nothing in it is believed before it was checked here. */
#include <stdlib.h>
#include <string.h>

#include "fs/nodes/node_slot.h"

void table_corrupt(const struct node_table *table, const char *what)
{
    table->corrupt(table->corrupt_argument, what);
    abort();
}

/* The checksum is a sum of words, each with an odd weight of its own: a change of one word changes
 * the sum, and so does an exchange of two. The place of the object is part of the sum, so that no
 * other object may take its place. */
uint32_t checksum_of(const struct node_table *table, const void *object, uint32_t bytes)
{
    const uint8_t *at = object;
    uint64_t weight = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t sum = (uint64_t)(at - (const uint8_t *)table->memory) * weight;
    uint64_t word;
    uint32_t half;

    // The first four bytes are the checksum itself.
    memcpy(&half, at + sizeof(half), sizeof(half));
    sum += half;
    for (uint32_t i = sizeof(word); i < bytes; i += sizeof(word)) {
        memcpy(&word, at + i, sizeof(word));
        weight += UINT64_C(0xd6e8feb86659fd92);
        sum += word * weight;
    }
    sum ^= sum >> 29;
    sum *= UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)(sum >> 32);
}

bool is_edited(const struct node_table *table, const void *object)
{
    for (unsigned i = 0; i < table->edit_count; i++) {
        if (table->edits[i].object == object)
            return true;
    }
    return false;
}

void check_object(const struct node_table *table, const void *object, uint32_t bytes,
                  const char *complaint)
{
    uint32_t checksum;

    memcpy(&checksum, object, sizeof(checksum));
    if (checksum != checksum_of(table, object, bytes) && !is_edited(table, object))
        table_corrupt(table, complaint);
}

const struct node *slot_at(const struct node_table *table, uint32_t slot)
{
    const struct node *node = &table->slots[slot];

    if (slot == SLOT_NONE || slot >= table->header->fresh)
        table_corrupt(table, "the number of a slot is out of bounds");
    check_object(table, node, sizeof(*node), "a slot has a wrong checksum");
    return node;
}

const struct node *node_of(const struct node_table *table, uint64_t id)
{
    uint32_t slot = (uint32_t)id;
    const struct node *node;

    if (slot == SLOT_NONE || slot >= table->header->fresh)
        return NULL;
    node = slot_at(table, slot);
    return node->in_use && node->generation == id >> 32 ? node : NULL;
}

const struct node *node_in_use(const struct node_table *table, const struct node_ref *ref)
{
    const struct node *node = node_of(table, ref->id);

    if (!node)
        table_corrupt(table, "a node went while it was in use");
    return node;
}

uint64_t word_at(const struct node_table *table, const uint64_t *word, const char *complaint)
{
    uint64_t value = *word;

    if (fold(value) != 0)
        table_corrupt(table, complaint);
    return value;
}
