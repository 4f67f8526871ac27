// SPDX-License-Identifier: BSD-2-Clause
/*
 * The payers: how many descriptors each user keeps from being closed, by what he has open or keeps
 * in use without a name, and by class roots.
 *
 * A slot says who pays for its node, and what it pins follows from the rest of the slot. So the
 * counts are private memory that can be made anew from the slots, and every call that changes a
 * slot brings them up to date when it ends.
 */
#include <stdlib.h>

#include "fs/nodes/node_slot.h"

/* A user's count, in a hash table with open addressing; an entry without a payer is free. */
struct node_payer {
    uint32_t payer; // as slots have it
    uint32_t pinned;
};

#define FIRST_PAYERS 64U // a power of two, as all sizes of the hash table are

/* Finds the entry of a user, or the free one that would be it. There is always a free one. */
static struct node_payer *find(struct node_payer *payers, uint32_t size, uint32_t payer)
{
    uint32_t at = payer * UINT32_C(0x9e3779b1) & (size - 1);

    while (payers[at].payer != 0 && payers[at].payer != payer)
        at = (at + 1) & (size - 1);
    return &payers[at];
}

/* Makes room for one more user, and forgets users that pay for nothing. Returns false if there is
 * no memory. */
static bool make_room(struct node_table *table)
{
    uint32_t size = FIRST_PAYERS, used = 0;
    struct node_payer *payers;

    if (table->payers_used + 1 < table->payers_size / 2)
        return true;
    for (uint32_t i = 0; i < table->payers_size; i++)
        used += table->payers[i].pinned > 0;
    while (used >= size / 4)
        size *= 2;
    payers = calloc(size, sizeof(*payers));
    if (!payers)
        return table->payers_used + 1 < table->payers_size;
    for (uint32_t i = 0; i < table->payers_size; i++) {
        if (table->payers[i].pinned > 0)
            *find(payers, size, table->payers[i].payer) = table->payers[i];
    }
    free(table->payers);
    table->payers = payers;
    table->payers_size = size;
    table->payers_used = used;
    return true;
}

/* Returns the entry of a user, made if need be; NULL: there is no memory for it. */
static struct node_payer *entry_of(struct node_table *table, uint32_t payer)
{
    struct node_payer *entry;

    if (!make_room(table))
        return NULL;
    entry = find(table->payers, table->payers_size, payer);
    if (entry->payer == 0) {
        entry->payer = payer;
        table->payers_used++;
    }
    return entry;
}

static uint32_t pinned_by(const struct node *node)
{
    bool in_use = node->opens > 0 || (node->flags & (NODE_UNLINKED | NODE_CLASS_ROOT));

    return node->in_use && in_use && node->held.payer != 0 ? cache_pinned(node) : 0;
}

static void count(struct node_table *table, struct node_use *use, uint32_t payer, uint32_t pinned)
{
    struct node_payer *entry = pinned > 0 ? entry_of(table, payer) : NULL;

    if (use->pinned > 0) {
        find(table->payers, table->payers_size, use->payer)->pinned -= use->pinned;
        table->pinned -= use->pinned;
    }
    use->payer = payer;
    use->pinned = entry ? pinned : 0;
    if (entry) {
        entry->pinned += pinned;
        table->pinned += pinned;
    }
}

void payer_update(struct node_table *table, const struct node *node)
{
    struct node_use *use = use_of(table, node);
    uint32_t pinned = pinned_by(node);

    if (pinned != use->pinned || (pinned > 0 && node->held.payer != use->payer))
        count(table, use, node->held.payer, pinned);
}

void payer_recount(struct node_table *table)
{
    for (int fd = 0; fd < (int)table->header->fds_end; fd++) {
        const struct node *node = fd_node(table, fd);

        if (node)
            payer_update(table, node);
    }
}

void node_set_payer(struct node_table *table, struct node_ref *ref, uint32_t user)
{
    const struct node *node;

    table_begin(table);
    node = node_in_use(table, ref);
    // Somebody pays already.
    if (use_of(table, node)->pinned == 0 && node->held.payer != user + 1)
        edit_slot(table, node)->held.payer = user + 1;
    table_end(table);
}

struct node_pinned node_pinned(struct node_table *table, uint32_t user)
{
    struct node_pinned pinned;

    table_begin(table);
    pinned = (struct node_pinned){ .all = table->pinned + table->header->owned[OWNER_STREAM] };
    if (table->payers_size > 0)
        pinned.by_user = find(table->payers, table->payers_size, user + 1)->pinned;
    table_end(table);
    return pinned;
}
