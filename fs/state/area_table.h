// SPDX-License-Identifier: BSD-2-Clause
/*
 * The areas that a mount has beside those that it began with, by their indices: shared memory of
 * their own, since the state has no room for them.
 *
 * An entry that is in use does not change, but for its words: whoever knows an index may read the
 * area without a lock. Its descriptors are the mount's own for as long as the entry says so. So
 * each step is a change of the entry first, and whoever attaches the table repeats what follows
 * from it.
 */
#ifndef SHMAPFS_AREA_TABLE_H
#define SHMAPFS_AREA_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/nodes/node_table.h"
#include "lib/area/area_words.h"

enum area_state {
    AREA_FREE,    // there is no area of this index
    AREA_IN_USE,  // a directory has it for itself
    AREA_LEFT,    // that directory is gone; files without a name may still be in it
    AREA_CLOSING, // its descriptors are about to be closed
};

struct area_entry {
    struct area area;    // in the user namespace of the mount's own RAM area, if that has one
    uint64_t ino, birth; // of the directory in the store that has the area
    int named;           // that directory (O_PATH)
    char words[AREA_WORDS_MAX];
    _Atomic uint32_t state; // enum area_state
    uint64_t check;
};

struct area_table {
    int memfd;
    struct area_entry *entries; // NULL: not made yet
};

/* Makes the table, empty. Returns 0 or a negative errno. */
int area_table_create(struct area_table *table);

/* Takes the table of an earlier process over. Returns 0 or a negative errno; -EPROTO: it is no such
 * memory. */
int area_table_attach(struct area_table *table, int memfd);

/* Closes the descriptors of all areas, and the table. */
void area_table_destroy(struct area_table *table);

/* Makes the descriptors of the table, and of all areas in it, the mount's own, and ends what is
 * closing. Returns false if the table is damaged. */
bool area_table_keep(struct area_table *table, struct node_table *nodes);

/* Fills a free entry, which is in use then. The caller keeps two threads from changing entries at
 * once, here and below. */
void area_table_add(struct area_table *table, unsigned index, const struct area_entry *filled,
                    struct node_table *nodes);

/* Changes the words of an entry. */
void area_table_set_words(struct area_table *table, unsigned index, const char *words);

/* Notes that the directory of an area is gone. */
void area_table_leave(struct area_table *table, unsigned index);

/* Closes an area that nobody uses any more; its entry is free then. */
void area_table_remove(struct area_table *table, unsigned index, struct node_table *nodes);

static inline struct area_entry *area_table_entry(const struct area_table *table, unsigned index)
{
    return &table->entries[index];
}

static inline enum area_state area_table_state(const struct area_table *table, unsigned index)
{
    return atomic_load_explicit(&table->entries[index].state, memory_order_acquire);
}

/* Returns whether there is an area of an index, with a directory or without. */
static inline bool area_table_has(const struct area_table *table, unsigned index)
{
    return table->entries && (area_table_state(table, index) == AREA_IN_USE ||
                              area_table_state(table, index) == AREA_LEFT);
}

#endif
