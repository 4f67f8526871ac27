// SPDX-License-Identifier: BSD-2-Clause
/* Backing ids that were taken off nodes and are not closed yet: doomed, so that who takes the table
 * over can close them. */
#include "fs/nodes/node_slot.h"

static uint64_t word_of(const struct node_table *table, uint32_t index)
{
    return word_at(table, &table->memory->doomed[index], "a doomed backing id has a wrong check");
}

/* How many there are. */
static uint32_t doomed(const struct node_table *table)
{
    if (table->header->doomed > DOOMED_MAX)
        table_corrupt(table, "more backing ids are doomed than there is room for");
    return table->header->doomed;
}

void backing_doom(struct node_table *table, int32_t id)
{
    uint32_t count = doomed(table);

    if (count == DOOMED_MAX)
        table_corrupt(table, "more backing ids are doomed than there is room for");
    edit_word(table, &table->memory->doomed[count], make_word((uint32_t)id, SLOT_NONE));
    edit_header(table)->doomed++;
}

bool backing_doomed_many(const struct node_table *table)
{
    return doomed(table) >= DOOMED_MANY;
}

void node_backing_closed(struct node_table *table, int32_t id)
{
    const uint64_t *ids = table->memory->doomed;
    uint32_t count, at = 0;

    table_begin(table);
    count = doomed(table);
    while (at < count && word_upper(word_of(table, at)) != (uint32_t)id)
        at++;
    if (at < count) {
        // The last one takes its place.
        edit_word(table, &ids[at], word_of(table, count - 1));
        edit_header(table)->doomed--;
    }
    table_end(table);
}

int node_backing_doomed(struct node_table *table, int32_t ids[], int max)
{
    int count = 0;

    table_begin(table);
    for (; count < max && (uint32_t)count < doomed(table); count++)
        ids[count] = (int32_t)word_upper(word_of(table, (uint32_t)count));
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
