// SPDX-License-Identifier: BSD-2-Clause
/*
 * The hash: nodes by their key.
 *
 * It is Litwin's linear hashing ("Linear Hashing: A New Tool for File and Table Addressing", 1980):
 * with each node more than there are buckets one bucket is split in two, so that the table grows
 * without ever stopping to move everything.
 *
 * The length of a chain has no bound, and so no undo log could be large enough for one. A split
 * therefore takes the chain out of its bucket in one transaction, and moves its nodes to their
 * buckets in one transaction each; the header knows what is left. No key is looked up before a
 * split has ended.
 */
#include "fs/nodes/node_slot.h"

/* A bucket is a slot in the lower 24 bits, and above it a check that the bucket's number is part
 * of. The check is not 0 in the first empty buckets, so that a page of zeros does not pass for
 * empty chains. */
#define BUCKET_CHECK 0xa5U

static uint32_t make_bucket(uint32_t bucket, uint32_t slot)
{
    return (uint32_t)(fold(slot) ^ fold(bucket) ^ BUCKET_CHECK) << 24 | slot;
}

uint32_t hash_empty_bucket(uint32_t bucket)
{
    return make_bucket(bucket, SLOT_NONE);
}

static uint32_t first_of(const struct node_table *table, uint32_t bucket)
{
    uint32_t value = table->buckets[bucket];
    uint32_t slot = word_slot(value);

    if (value != make_bucket(bucket, slot))
        table_corrupt(table, "a hash bucket has a wrong check");
    return slot;
}

static uint32_t hash(uint64_t ino, uint8_t tree)
{
    // Stafford's variant 13 of the 64-bit finaliser of MurmurHash3: every bit of the number reaches
    // every bit of the hash.
    uint64_t h = ino ^ (uint64_t)tree << 63;

    h = (h ^ h >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    h = (h ^ h >> 27) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)(h ^ h >> 31);
}

static uint32_t bucket_of(const struct node_table *table, uint64_t ino, uint8_t tree)
{
    const struct node_header *header = table->header;
    uint32_t h = hash(ino, tree);
    uint32_t bucket = h & header->mask;

    if (bucket < header->split)
        bucket = h & (header->mask * 2 + 1);
    return bucket;
}

/* Returns the node that a chain leads to as its `steps`th. */
static const struct node *chained(const struct node_table *table, uint32_t bucket, uint32_t slot,
                                  uint32_t steps)
{
    const struct node *node = slot_at(table, slot);

    if (!node->in_use || (node->flags & NODE_UNLINKED) ||
        bucket_of(table, node->ino, node->tree) != bucket)
        table_corrupt(table, "a hash chain leads to a node that does not belong there");
    if (steps > table->header->nodes)
        table_corrupt(table, "a hash chain has no end");
    return node;
}

const struct node *hash_find(const struct node_table *table, const struct node_key *key)
{
    uint32_t bucket = bucket_of(table, key->ino, key->tree);
    uint32_t slot = first_of(table, bucket);

    for (uint32_t steps = 1; slot != SLOT_NONE; steps++) {
        const struct node *node = chained(table, bucket, slot, steps);

        if (node->ino == key->ino && node->tree == key->tree && node->birth == key->birth)
            return node;
        slot = node->next;
    }
    return NULL;
}

void hash_insert(struct node_table *table, const struct node *node)
{
    uint32_t bucket = bucket_of(table, node->ino, node->tree);

    edit_slot(table, node)->next = first_of(table, bucket);
    edit_bucket(table, bucket, make_bucket(bucket, slot_of(table, node)));
}

void hash_remove(struct node_table *table, const struct node *node)
{
    uint32_t bucket = bucket_of(table, node->ino, node->tree);
    uint32_t slot = first_of(table, bucket);
    const struct node *before = NULL;

    for (uint32_t steps = 1; slot != slot_of(table, node); steps++) {
        if (slot == SLOT_NONE)
            table_corrupt(table, "a node is not in its hash chain");
        before = chained(table, bucket, slot, steps);
        slot = before->next;
    }
    if (before)
        edit_slot(table, before)->next = node->next;
    else
        edit_bucket(table, bucket, make_bucket(bucket, node->next));
}

/* Takes the chain of the next bucket out of it, and makes the bucket that will share its nodes. */
static void begin_split(struct node_table *table)
{
    struct node_header *header = edit_header(table);
    uint32_t bucket = header->split;
    uint32_t sibling = bucket + header->mask + 1;

    header->rest = first_of(table, bucket);
    edit_bucket(table, bucket, hash_empty_bucket(bucket));
    edit_bucket(table, sibling, hash_empty_bucket(sibling));
    header->split++;
    if (header->split == header->mask + 1) {
        header->mask = header->mask * 2 + 1;
        header->split = 0;
    }
}

static void finish_split(struct node_table *table)
{
    uint32_t slot;

    while ((slot = table->header->rest) != SLOT_NONE) {
        const struct node *node = slot_at(table, slot);

        if (!node->in_use || (node->flags & NODE_UNLINKED))
            table_corrupt(table, "a hash chain leads to a node that does not belong there");
        edit_header(table)->rest = node->next;
        hash_insert(table, node);
        table_commit(table);
    }
}

void hash_grow(struct node_table *table)
{
    const struct node_header *header = table->header;

    finish_split(table);
    while (header->nodes > header->mask + 1 + header->split) {
        begin_split(table);
        table_commit(table);
        finish_split(table);
    }
}
