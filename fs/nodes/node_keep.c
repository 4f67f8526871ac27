// SPDX-License-Identifier: BSD-2-Clause
/* Nodes that the daemon keeps of its own accord, or once more before they go. */
#include "fs/nodes/node_slot.h"

void node_keep(struct node_table *table, struct node_ref *ref)
{
    table_begin(table);
    use_of(table, node_in_use(table, ref))->kept = true;
    table_end(table);
}

void node_let_go(struct node_table *table, uint64_t id, struct node_resources *leftover)
{
    const struct node *node;

    *leftover = NODE_NO_RESOURCES;
    table_begin(table);
    node = node_of(table, id);
    if (node) {
        use_of(table, node)->kept = false;
        free_if_unused(table, node, leftover);
    }
    table_end(table);
}

bool node_use_last(struct node_table *table, uint64_t id, uint64_t lookups, struct node_ref *ref)
{
    const struct node *node;
    bool goes;

    table_begin(table);
    node = node_of(table, id);
    goes = node && (node->flags & NODE_UNLINKED) && node->opens == 0 && node->lookups <= lookups;
    if (goes)
        begin_use(table, node, ref);
    table_end(table);
    return goes;
}
