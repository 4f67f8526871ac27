// SPDX-License-Identifier: BSD-2-Clause
/*
 * A ledger of what is handed to a node table and taken back from it.
 *
 * The table makes no system call on the descriptors and backing ids that it keeps, so plain numbers
 * do for both. Each number is handed out once and must come back once, and not while it is in use.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "tests/unit/unit.h"

#include "fs/nodes/node_table.h"

#include <stdatomic.h>
#include <stdlib.h>

#define LEDGER_FIRST 1000 // above the numbers that the process has opened itself
#define LEDGER_SIZE  (2 * NODE_FD_MAX)

struct ledger {
    atomic_int next;         // descriptor
    atomic_int next_backing; // id; those are above all descriptors
    atomic_int outstanding;
    atomic_int mistakes; // numbers that came back twice or were never handed out
    atomic_uchar given[LEDGER_SIZE];
};

static inline struct ledger *ledger_new(void)
{
    struct ledger *ledger = calloc(1, sizeof(*ledger));
    assert_non_null(ledger);
    atomic_init(&ledger->next, LEDGER_FIRST);
    atomic_init(&ledger->next_backing, NODE_FD_MAX);
    return ledger;
}

static inline int ledger_hand_out(struct ledger *ledger, int number)
{
    atomic_store(&ledger->given[number], 1);
    atomic_fetch_add(&ledger->outstanding, 1);
    return number;
}

/* A number that nobody has had yet: a descriptor; a backing id. */
static inline int ledger_give(struct ledger *ledger)
{
    int number = atomic_fetch_add(&ledger->next, 1);
    assert_true(number < NODE_FD_MAX);
    return ledger_hand_out(ledger, number);
}

static inline int ledger_give_backing(struct ledger *ledger)
{
    int number = atomic_fetch_add(&ledger->next_backing, 1);
    assert_true(number < LEDGER_SIZE);
    return ledger_hand_out(ledger, number);
}

static inline bool ledger_is_given(struct ledger *ledger, int number)
{
    return number > 0 && number < LEDGER_SIZE && atomic_load(&ledger->given[number]);
}

static inline void ledger_take_back(struct ledger *ledger, int number)
{
    if (number <= 0 || number >= LEDGER_SIZE || !atomic_exchange(&ledger->given[number], 0))
        atomic_fetch_add(&ledger->mistakes, 1);
    else
        atomic_fetch_sub(&ledger->outstanding, 1);
}

/* Takes back all that a call of the table left over. */
static inline void ledger_dispose(struct ledger *ledger, const struct node_resources *leftover)
{
    if (leftover->path_fd >= 0)
        ledger_take_back(ledger, leftover->path_fd);
    if (leftover->io_fd >= 0)
        ledger_take_back(ledger, leftover->io_fd);
    if (leftover->backing_id != 0)
        ledger_take_back(ledger, leftover->backing_id);
}

#endif
