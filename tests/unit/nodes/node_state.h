// SPDX-License-Identifier: BSD-2-Clause
/*
 * The memory of a node table from outside: whether all of it fits together, what it says, and how
 * to put it back. For tables with few ledgers, descriptors and slots in use.
 */
#ifndef NODE_STATE_H
#define NODE_STATE_H

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "fs/nodes/node_slot.h"

#define STATE_LEDGERS 2U
#define STATE_LOOKUPS 256U  // of a ledger
#define STATE_FDS     3000U // descriptors are below it
#define STATE_SLOTS   1536U

#define FAULT_IF(condition, what) \
    do {                          \
        if (condition)            \
            return what;          \
    } while (0)

/* Everything that calls can tell, and nothing of how the table remembers it. */
struct node_state {
    struct node slots[STATE_SLOTS]; // without checksums, and neighbours in chains and lists
    struct ledger_head ledgers[STATE_LEDGERS];
    uint64_t lookups[STATE_LEDGERS][STATE_LOOKUPS];
    uint64_t owners[STATE_FDS];
    uint64_t pending_close[PENDING_CLOSE_MAX];
    struct node_header header; // the counts
};

static inline void node_state_read(const struct node_table *table, struct node_state *state)
{
    const struct node_memory *memory = table->memory;
    memset(state, 0, sizeof(*state));
    for (uint32_t slot = SLOT_ROOT; slot < table->header->fresh; slot++) {
        struct node *node = &state->slots[slot];
        *node = table->slots[slot];
        node->checksum = node->next = node->newer = node->older = 0;
        if (!node->in_use)
            *node = (struct node){ .generation = node->generation };
    }
    for (uint32_t i = 0; i < STATE_LEDGERS; i++) {
        state->ledgers[i] = memory->ledgers[i].head;
        state->ledgers[i].checksum = 0;
        memcpy(state->lookups[i], memory->ledgers[i].lookups,
               memory->ledgers[i].head.lookups * sizeof(uint64_t));
    }
    memcpy(state->owners, memory->owners, sizeof(state->owners));
    memcpy(state->pending_close, memory->pending_close,
           table->header->pending_close * sizeof(uint64_t));
    state->header = *table->header;
    state->header.checksum = state->header.free = 0;
    state->header.newest = state->header.oldest = 0;
    state->header.split = state->header.mask = 0;
}

static inline bool has_checksum(const struct node_table *table, const void *object, uint32_t bytes)
{
    uint32_t checksum;
    memcpy(&checksum, object, sizeof(checksum));
    return checksum == checksum_of(table, object, bytes);
}

static inline const char *slots_fault(const struct node_table *table)
{
    const struct node_header *header = table->header;
    uint32_t nodes = 0, unlinked = 0, idle = 0, cached = 0, held = 0, unused = 0, pinned = 0;
    uint64_t opens = 0;
    for (uint32_t slot = SLOT_ROOT; slot < header->fresh; slot++) {
        const struct node *node = &table->slots[slot];
        FAULT_IF(!has_checksum(table, node, sizeof(*node)), "a slot's checksum");
        if (!node->in_use)
            continue;
        nodes++;
        unlinked += (node->flags & NODE_UNLINKED) != 0;
        idle += is_idle(node);
        cached += node->in_cache;
        opens += node->opens;
        if (node->held.payer != 0 &&
            (node->opens > 0 || (node->flags & (NODE_UNLINKED | NODE_CLASS_ROOT))))
            pinned += cache_pinned(node);
        FAULT_IF(node->writers > node->opens, "more writers than opens");
        const int fds[] = { node->held.path_fd, node->held.io_fd };
        for (size_t i = 0; i < COUNT(fds); i++) {
            if (fds[i] < 0)
                continue;
            uint64_t word = table->memory->owners[fds[i]];
            held++;
            FAULT_IF(word_slot(word) != slot || word_upper(word) >> 30 != OWNER_NODE,
                     "a node's descriptor has another owner");
        }
    }
    FAULT_IF(nodes != header->nodes || unlinked != header->unlinked || opens != header->opens ||
                 idle != header->idle || cached != header->cached ||
                 held != header->owned[OWNER_NODE],
             "a count of the header");
    FAULT_IF(pinned != table->pinned, "the count of what users pin");
    for (uint32_t slot = header->free; slot != SLOT_NONE; slot = table->slots[slot].next) {
        FAULT_IF(slot >= header->fresh || table->slots[slot].in_use, "the free list");
        FAULT_IF(++unused > header->fresh, "the free list has no end");
    }
    FAULT_IF(nodes + unused != header->fresh - 1, "a slot is lost");
    return NULL;
}

static inline const char *chains_fault(const struct node_table *table)
{
    const struct node_header *header = table->header;
    uint32_t chained = 0;
    FAULT_IF(header->rest != SLOT_NONE, "a split is not finished");
    for (uint32_t bucket = 0; bucket <= header->mask + header->split; bucket++) {
        uint32_t value = table->buckets[bucket];
        FAULT_IF((value ^ hash_empty_bucket(bucket)) >> 24 != fold(word_slot(value)),
                 "a bucket's check");
        for (uint32_t slot = word_slot(value); slot; slot = table->slots[slot].next) {
            const struct node *node = &table->slots[slot];
            struct node_key key = { .ino = node->ino, .birth = node->birth, .tree = node->tree };
            FAULT_IF(++chained > header->nodes, "a chain has no end");
            FAULT_IF(!node->in_use || hash_find(table, &key) != node, "a node is not to be found");
        }
    }
    FAULT_IF(chained != header->nodes - header->unlinked, "a node is in no chain");
    return NULL;
}

static inline const char *list_fault(const struct node_table *table)
{
    const struct node_header *header = table->header;
    uint32_t newer = SLOT_NONE, count = 0;
    for (uint32_t slot = header->newest; slot != SLOT_NONE; slot = table->slots[slot].older) {
        const struct node *node = &table->slots[slot];
        FAULT_IF(!node->in_use || !node->in_cache || node->newer != newer, "the cache's list");
        FAULT_IF(++count > header->cached, "the cache's list has no end");
        newer = slot;
    }
    FAULT_IF(newer != header->oldest || count != header->cached, "the cache's list is cut");
    return NULL;
}

static inline const char *rest_fault(const struct node_table *table)
{
    const struct node_memory *memory = table->memory;
    uint32_t owned[OWNERS] = { 0 };
    for (uint32_t fd = 0; fd < table->header->fds_end; fd++) {
        FAULT_IF(fold(memory->owners[fd]) != 0, "an owner's check");
        owned[word_upper(memory->owners[fd]) >> 30]++;
    }
    for (int owner = OWNER_MOUNT; owner < OWNERS; owner++)
        FAULT_IF(owned[owner] != table->header->owned[owner], "the count of owners");
    FAULT_IF(table->header->pending_close > PENDING_CLOSE_MAX, "the count of ids to be closed");
    for (uint32_t i = 0; i < table->header->pending_close; i++)
        FAULT_IF(fold(memory->pending_close[i]) != 0, "the check of an id to be closed");
    for (uint32_t i = 0; i < NODE_LEDGERS; i++) {
        const struct node_ledger *ledger = &memory->ledgers[i];
        FAULT_IF(!has_checksum(table, &ledger->head, sizeof(ledger->head)), "a ledger's checksum");
        FAULT_IF(ledger->head.lookups > NODE_LEDGER_LOOKUPS, "a ledger's lookups");
        for (uint32_t at = 0; at < ledger->head.lookups; at++)
            FAULT_IF(fold(ledger->lookups[at]) != 0, "a ledger's check");
    }
    return NULL;
}

static inline bool is_at_rest(const struct node_table *table)
{
    uint64_t used = atomic_load(&((struct node_memory *)table->memory)->undo_log.used);
    return used == UINT64_C(0xffffffff) << 32;
}

/* Says what does not fit together in a table at rest; NULL if everything does. */
static inline const char *node_state_fault(const struct node_table *table)
{
    const char *(*const looks[])(const struct node_table *) = { slots_fault, chains_fault,
                                                                list_fault, rest_fault };
    FAULT_IF(!is_at_rest(table), "the undo log is not empty");
    FAULT_IF(!has_checksum(table, table->header, sizeof(*table->header)), "the header's checksum");
    FAULT_IF(table->header->fresh > table->capacity || table->header->fds_end > NODE_FD_MAX,
             "a bound of the header");
    const char *fault = NULL;
    for (size_t i = 0; i < COUNT(looks) && fault == NULL; i++)
        fault = looks[i](table);
    return fault;
}

/* The parts of the memory that are used. */
struct node_part {
    size_t at, bytes;
};

#define NODE_PARTS 4U

static inline void node_parts(const struct node_table *table, struct node_part parts[NODE_PARTS])
{
    const char *start = (const char *)table->memory;
    parts[0] = (struct node_part){ 0, offsetof(struct node_memory, ledgers[STATE_LEDGERS]) };
    parts[1] =
        (struct node_part){ offsetof(struct node_memory, owners), STATE_FDS * sizeof(uint64_t) };
    parts[2] = (struct node_part){ (size_t)((const char *)table->buckets - start),
                                   (FIRST_BUCKETS + table->capacity) * sizeof(uint32_t) };
    parts[3] = (struct node_part){ (size_t)((const char *)table->slots - start),
                                   table->capacity * sizeof(struct node) };
}

/* A copy of them, to be freed. */
static inline char *node_image_take(const struct node_table *table)
{
    struct node_part parts[NODE_PARTS];
    size_t size = 0, at = 0;
    node_parts(table, parts);
    for (size_t i = 0; i < NODE_PARTS; i++)
        size += parts[i].bytes;
    char *image = malloc(size);
    assert_non_null(image);
    for (size_t i = 0; i < NODE_PARTS; at += parts[i++].bytes)
        memcpy(image + at, (const char *)table->memory + parts[i].at, parts[i].bytes);
    return image;
}

static inline void node_image_put_back(struct node_table *table, const char *image)
{
    struct node_part parts[NODE_PARTS];
    size_t at = 0;
    node_parts(table, parts);
    for (size_t i = 0; i < NODE_PARTS; at += parts[i++].bytes)
        memcpy((char *)table->memory + parts[i].at, image + at, parts[i].bytes);
}

#endif
