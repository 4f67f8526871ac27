// SPDX-License-Identifier: BSD-2-Clause
/* Backing ids that were taken off nodes and are not closed yet: they are kept, so that a process
 * that attaches the table can close them. */
#include "fs/nodes/node_slot.h"

static uint64_t pending_word(const struct node_table *table, uint32_t index)
{
    return word_at(table, &table->memory->pending_close[index],
                   "a backing id that is to be closed has a wrong check");
}

/* Returns how many ids are pending. */
static uint32_t pending_close(const struct node_table *table)
{
    if (table->header->pending_close > PENDING_CLOSE_MAX)
        table_corrupt(table, "more backing ids are to be closed than there is room for");
    return table->header->pending_close;
}

void backing_add_pending_close(struct node_table *table, int32_t id)
{
    uint32_t count = pending_close(table);

    if (count == PENDING_CLOSE_MAX)
        table_corrupt(table, "more backing ids are to be closed than there is room for");
    edit_word(table, &table->memory->pending_close[count], make_word((uint32_t)id, SLOT_NONE));
    edit_header(table)->pending_close++;
}

bool backing_many_pending_close(const struct node_table *table)
{
    return pending_close(table) >= PENDING_CLOSE_MANY;
}

void node_backing_closed(struct node_table *table, int32_t id)
{
    const uint64_t *ids = table->memory->pending_close;
    uint32_t count, at = 0;

    table_begin(table);
    count = pending_close(table);
    while (at < count && word_upper(pending_word(table, at)) != (uint32_t)id)
        at++;
    if (at < count) {
        // The last id takes the place of the closed one.
        edit_word(table, &ids[at], pending_word(table, count - 1));
        edit_header(table)->pending_close--;
    }
    table_end(table);
}

int node_backing_pending_close(struct node_table *table, int32_t ids[], int max)
{
    int count = 0;

    table_begin(table);
    for (; count < max && (uint32_t)count < pending_close(table); count++)
        ids[count] = (int32_t)word_upper(pending_word(table, (uint32_t)count));
    table_end(table);
    return count;
}

int32_t node_backing_highest(struct node_table *table)
{
    int32_t highest;

    table_begin(table);
    highest = table->header->highest_backing;
    table_end(table);
    return highest;
}
