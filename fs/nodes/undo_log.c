// SPDX-License-Identifier: BSD-2-Clause
/*
 * The undo log, which makes every call all or nothing.
 *
 * The memory is reachable as const only. To write, a call asks here for the object. The bytes of
 * the object, as they are, are first appended to the undo log; then the length of the undo log is
 * raised; then the object may change. A call ends with new checksums and the length back at 0, by
 * one write. A process that is killed at any instruction leaves either an empty undo log and a
 * whole table, or an undo log of all that may have changed. The next process that attaches writes
 * the logged bytes back. It can be killed as well: writing them back twice is the same as once, for
 * each object is in the log once, as it was before.
 *
 * Only the order of the instructions matters. A write that was carried out is not lost with its
 * process, so nothing but the compiler must be kept from moving it.
 *
 * The undo log has a bound because a call has one. The call that changes most is one that passes
 * over busy nodes at the end of the cache's list. node_claim() edits a slot for each of the 16 that
 * it tries, and 8 more at most (its own, and neighbours in the list of what moves, comes and goes),
 * the header, a ledger's head and 7 words (a bucket, a descriptor that comes and two that go, a
 * lookup, an id to be closed): 24 * 136 + 96 + 48 + 7 * 16 bytes, less than half of the room. A
 * call that needs more than the room ends in table_corrupt().
 */
#include <stddef.h>
#include <string.h>

#include "fs/nodes/node_slot.h"

struct entry {
    uint32_t at; // from the start of the memory
    uint16_t bytes;
    uint16_t check;
};

#define USED(bytes) ((uint64_t)(bytes) | (uint64_t) ~(uint32_t)(bytes) << 32)

static uint16_t entry_check(uint32_t at, uint16_t bytes)
{
    return (uint16_t)((at * UINT32_C(0x9e3779b1) >> 16) ^ bytes * 0x6b43U);
}

/* Sets the length: after all that was written before, and before all that is written next. */
static void publish(struct node_table *table, uint32_t used)
{
    struct node_undo_log *log = (struct node_undo_log *)&table->memory->undo_log;

    atomic_store_explicit(&log->used, USED(used), memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    table->undo_log_used = used;
}

void undo_log_clear(struct node_table *table)
{
    publish(table, 0);
}

static void *edit(struct node_table *table, const void *object, uint16_t bytes)
{
    struct node_memory *memory = (struct node_memory *)table->memory;
    uint8_t *end = memory->undo_log.entries + table->undo_log_used;
    uint32_t size = (uint32_t)sizeof(struct entry) + (bytes + 7U) / 8 * 8;
    struct entry entry = { .at = (uint32_t)((const uint8_t *)object - (uint8_t *)memory),
                           .bytes = bytes };

    if (is_edited(table, object))
        return (void *)object;
    if (table->edit_count == NODE_EDITS_MAX || size > UNDO_LOG_BYTES - table->undo_log_used)
        table_corrupt(table, "a call changes more than its undo log has room for");
    entry.check = entry_check(entry.at, entry.bytes);
    memcpy(end, &entry, sizeof(entry));
    memcpy(end + sizeof(entry), object, bytes);
    table->edits[table->edit_count++] = (struct node_edit){ .object = object, .bytes = bytes };
    publish(table, table->undo_log_used + size);
    return (void *)object;
}

struct node *edit_slot(struct node_table *table, const struct node *node)
{
    return edit(table, node, sizeof(*node));
}

struct node_header *edit_header(struct node_table *table)
{
    return edit(table, table->header, sizeof(*table->header));
}

struct ledger_head *edit_ledger(struct node_table *table, const struct node_ledger *ledger)
{
    return edit(table, &ledger->head, sizeof(ledger->head));
}

void edit_word(struct node_table *table, const uint64_t *word, uint64_t value)
{
    uint64_t *to = edit(table, word, sizeof(*word));

    *to = value;
}

void edit_bucket(struct node_table *table, uint32_t bucket, uint32_t value)
{
    uint32_t *to = edit(table, &table->buckets[bucket], sizeof(*to));

    *to = value;
}

void table_begin(struct node_table *table)
{
    lock_take(&table->lock);
    if (atomic_load_explicit(&table->memory->undo_log.used, memory_order_relaxed) != USED(0))
        table_corrupt(table, "the undo log is not empty between two calls");
    check_object(table, table->header, sizeof(*table->header), "the header has a wrong checksum");
}

void table_commit(struct node_table *table)
{
    if (table->edit_count == 0)
        return;
    _Static_assert(sizeof(struct node) != sizeof(struct node_header) &&
                       sizeof(struct node) != sizeof(struct ledger_head),
                   "slots are told by their size");
    for (unsigned i = 0; i < table->edit_count; i++) {
        const struct node_edit *done = &table->edits[i];
        uint32_t checksum;

        // Words contain their check.
        if (done->bytes <= sizeof(uint64_t))
            continue;
        checksum = checksum_of(table, done->object, done->bytes);
        memcpy((void *)done->object, &checksum, sizeof(checksum));
        if (done->bytes == sizeof(struct node))
            payer_update(table, done->object);
    }
    table->edit_count = 0;
    publish(table, 0);
}

void table_end(struct node_table *table)
{
    table_commit(table);
    lock_release(&table->lock);
}

/* Returns whether an entry would change the undo log, which no call does. */
static bool is_of_log(const struct entry *entry)
{
    uint32_t log = offsetof(struct node_memory, undo_log);

    return entry->at < log + sizeof(struct node_undo_log) && entry->at + entry->bytes > log;
}

/* Reads an entry of the undo log, and finds where the next one begins. */
static struct entry entry_at(const struct node_table *table, uint32_t at, uint32_t used,
                             uint32_t *next)
{
    struct entry entry = { .at = 0 };

    if (used - at >= sizeof(entry))
        memcpy(&entry, table->memory->undo_log.entries + at, sizeof(entry));
    *next = at + (uint32_t)sizeof(entry) + (entry.bytes + 7U) / 8 * 8;
    if (entry.bytes == 0 || entry.check != entry_check(entry.at, entry.bytes) || *next > used ||
        entry.bytes > table->bytes || entry.at > table->bytes - entry.bytes || is_of_log(&entry))
        table_corrupt(table, "the undo log has an impossible entry");
    return entry;
}

void undo_log_roll_back(struct node_table *table)
{
    struct node_memory *memory = (struct node_memory *)table->memory;
    uint64_t length = atomic_load_explicit(&memory->undo_log.used, memory_order_acquire);
    uint32_t used = (uint32_t)length;
    uint32_t next;

    if (length != USED(used) || used > UNDO_LOG_BYTES)
        table_corrupt(table, "the undo log has an impossible length");
    // All entries are checked before one is believed.
    for (uint32_t at = 0; at < used; at = next)
        entry_at(table, at, used, &next);
    for (uint32_t at = 0; at < used; at = next) {
        struct entry entry = entry_at(table, at, used, &next);

        memcpy((uint8_t *)memory + entry.at, memory->undo_log.entries + at + sizeof(entry),
               entry.bytes);
    }
    publish(table, 0);
}
