// SPDX-License-Identifier: BSD-2-Clause
/* Rollback of a request that was never answered: its ledger says what to take back. */
#include "fs/nodes/node_fd.h"
#include "fs/nodes/node_slot.h"

static void undo_stream(struct node_table *table, struct node_ledger *ledger,
                        struct node_resources *leftover)
{
    uint64_t fh = ledger->head.stream;

    if (!stream_end(table, fh))
        table_corrupt(table, "a ledger has a directory stream that is not open");
    leftover->path_fd = (int)(uint32_t)fh;
    ledger_drop_stream(table, ledger, fh);
}

static void undo_open(struct node_table *table, struct node_ledger *ledger,
                      struct node_resources *leftover)
{
    struct ledger_head *head = edit_ledger(table, ledger);
    const struct node *node = node_of(table, head->opened);

    if (!node || node->opens == 0)
        table_corrupt(table, "a ledger has an open of a node that is not open");
    head->opened = 0;
    if (head->writer)
        edit_slot(table, node)->flags |= NODE_ATTR_CACHED;
    open_take_back(table, node, head->writer, head->readers_need_io, leftover);
    free_if_unused(table, node, leftover);
}

bool node_ledger_undo(struct node_table *table, struct node_ledger *ledger,
                      struct node_resources *leftover)
{
    const struct ledger_head *head;
    bool found = true;

    *leftover = NODE_NO_RESOURCES;
    if (!ledger)
        return false;
    table_begin(table);
    head = ledger_head_of(table, ledger);
    if (head->stream != NODE_STREAM_NONE) {
        undo_stream(table, ledger, leftover);
    } else if (head->opened) {
        undo_open(table, ledger, leftover);
    } else if (head->lookups) {
        uint64_t id = ledger_lookup_at(table, ledger, head->lookups - 1);

        if (!node_of(table, id))
            table_corrupt(table, "a ledger has a lookup of a node that is not there");
        edit_ledger(table, ledger)->lookups--;
        take_lookups(table, id, 1, leftover);
    } else {
        found = false;
    }
    table_end(table);
    return found;
}
