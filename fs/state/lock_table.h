// SPDX-License-Identifier: BSD-2-Clause
/*
 * The table of the owners of locks, where locks are forwarded to the areas' own files: for each
 * owner and file the descriptor that has its locks there.
 *
 * It lies in a memfd beside the state, so that locks outlive the worker that took them: a lock is
 * the open file's, and that is kept as long as an entry names it. An entry belongs to whoever is
 * called by the kernel's number for it: a process (POSIX record locks) or an open file (flock, and
 * the locks of open file descriptions).
 */
#ifndef SHMAPFS_LOCK_TABLE_H
#define SHMAPFS_LOCK_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/nodes/node_table.h"
#include "fs/state/lock_ranges.h"

#define LOCK_OWNERS_MAX 16384U

/* Far apart, and no small numbers, as they are in shared memory. */
enum lock_kind {
    LOCK_OF_RANGES = 0x52, // POSIX record locks, and those of open file descriptions
    LOCK_OF_FILE = 0xad,   // flock
};

struct lock_key {
    uint64_t node;
    uint64_t owner;
    enum lock_kind kind;
};

struct lock_entry {
    _Atomic uint32_t state;
    int32_t fd;       // the area's file, opened for this owner alone
    uint64_t node;    // constant while in use, like the rest up to `check`
    uint64_t owner;   // the kernel's number
    uint64_t opening; // of the open that the owner first came by: the locks end with that
    uint32_t kind;
    uint32_t writable; // the descriptor is
    uint32_t user;
    uint32_t reserved;
    uint64_t check; // of the above, but for the state
    uint32_t process;
    uint32_t reserved_too;
    struct lock_ranges ranges;
};

struct lock_memory;

struct lock_table {
    int memfd; // 0: there is none
    struct lock_memory *memory;
    struct lock_index *index; // entries by their node; each process has its own
};

/* Makes the memory. Returns 0 or a negative errno. */
int lock_table_create(struct lock_table *table);

/* Takes the memory of an earlier process over. Returns 0 or a negative errno; -EPROTO: it is no
 * such memory. */
int lock_table_attach(struct lock_table *table, int memfd);

void lock_table_destroy(struct lock_table *table);

/* Begins work on the memory, after the process that worked on it before: says which descriptors
 * are kept. Returns false if the memory is damaged. */
bool lock_table_keep(struct lock_table *table, struct node_table *nodes);

/* Returns a number that no other open has. */
uint64_t lock_table_number(struct lock_table *table);

/* Returns how many entries there are, and how many of them are a user's. */
unsigned lock_table_count(const struct lock_table *table);
unsigned lock_table_count_of(const struct lock_table *table, uint32_t user);

/* Returns the entry of an owner and a file; NULL: there is none. */
struct lock_entry *lock_table_find(const struct lock_table *table, const struct lock_key *key);

/* Returns the next entry of a file after one of them, or the first one (NULL); NULL: there are no
 * more. */
struct lock_entry *lock_table_next(const struct lock_table *table, uint64_t node,
                                   const struct lock_entry *after);

/* Makes an entry of what is filled in. The table has the descriptor from then on. Of two entries of
 * one owner and file the writable one is left when a worker dies. NULL: there is no room. */
struct lock_entry *lock_table_add(struct lock_table *table, const struct lock_entry *filled,
                                  struct node_table *nodes);

/* Takes an entry away. Returns its descriptor, which the caller closes. */
int lock_table_remove(struct lock_table *table, struct lock_entry *entry, struct node_table *nodes);

#endif
