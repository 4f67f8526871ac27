// SPDX-License-Identifier: BSD-2-Clause
/* Ledgers: what one request has taken that the kernel does not know of yet. */
#include "fs/nodes/node_fd.h"
#include "fs/nodes/node_slot.h"

const struct ledger_head *ledger_head_of(const struct node_table *table,
                                         const struct node_ledger *ledger)
{
    const struct ledger_head *head = &ledger->head;

    check_object(table, head, sizeof(*head), "a ledger has a wrong checksum");
    if (head->lookups > NODE_LEDGER_LOOKUPS)
        table_corrupt(table, "a ledger has more lookups than there is room for");
    return head;
}

uint64_t ledger_lookup_at(const struct node_table *table, const struct node_ledger *ledger,
                          uint32_t at)
{
    uint64_t word = word_at(table, &ledger->lookups[at], "a lookup in a ledger has a wrong check");

    return (uint64_t)word_upper(word) << 32 | word_slot(word);
}

struct node_ledger *node_ledger(struct node_table *table, unsigned index)
{
    if (index >= NODE_LEDGERS)
        table_corrupt(table, "the number of a ledger is out of bounds");
    return (struct node_ledger *)&table->memory->ledgers[index];
}

static bool is_blank(const struct ledger_head *head)
{
    return !head->lookups && !head->forgotten && !head->opened && !head->released &&
           head->stream == NODE_STREAM_NONE;
}

void node_ledger_clear(struct node_table *table, struct node_ledger *ledger)
{
    // Many requests take nothing, and nobody but its owner changes a ledger.
    if (!ledger || is_blank(&ledger->head))
        return;
    table_begin(table);
    ledger_head_of(table, ledger);
    *edit_ledger(table, ledger) = (struct ledger_head){ .stream = NODE_STREAM_NONE };
    table_end(table);
}

uint64_t node_ledger_forgotten(const struct node_table *table, const struct node_ledger *ledger)
{
    return ledger ? ledger_head_of(table, ledger)->forgotten : 0;
}

bool ledger_is_full(const struct node_table *table, const struct node_ledger *ledger)
{
    return ledger && ledger_head_of(table, ledger)->lookups == NODE_LEDGER_LOOKUPS;
}

void ledger_add_lookup(struct node_table *table, struct node_ledger *ledger, uint64_t id)
{
    uint32_t at;

    if (!ledger)
        return;
    at = ledger_head_of(table, ledger)->lookups;
    edit_word(table, &ledger->lookups[at], make_word((uint32_t)(id >> 32), (uint32_t)id));
    edit_ledger(table, ledger)->lookups++;
}

void ledger_drop_lookup(struct node_table *table, struct node_ledger *ledger, uint64_t id)
{
    uint32_t last, at;

    if (!ledger || ledger_head_of(table, ledger)->lookups == 0)
        return;
    at = last = ledger_head_of(table, ledger)->lookups - 1;
    // Most often the latest lookup is taken back.
    while (at > 0 && ledger_lookup_at(table, ledger, at) != id)
        at--;
    if (ledger_lookup_at(table, ledger, at) != id)
        return;
    if (at < last)
        edit_word(table, &ledger->lookups[at], ledger->lookups[last]);
    edit_ledger(table, ledger)->lookups--;
}

void ledger_add_forget(struct node_table *table, struct node_ledger *ledger)
{
    if (!ledger)
        return;
    ledger_head_of(table, ledger);
    edit_ledger(table, ledger)->forgotten++;
}

void ledger_add_open(struct node_table *table, struct node_ledger *ledger, uint64_t id, bool writer,
                     bool readers_need_io)
{
    struct ledger_head *head;

    if (!ledger)
        return;
    if (ledger_head_of(table, ledger)->opened)
        table_corrupt(table, "a request opens two files");
    head = edit_ledger(table, ledger);
    head->opened = id;
    head->writer = writer;
    head->readers_need_io = readers_need_io;
}

bool ledger_may_close(struct node_table *table, struct node_ledger *ledger, uint64_t id)
{
    const struct ledger_head *head;

    if (!ledger)
        return true;
    head = ledger_head_of(table, ledger);
    if (head->opened == id) {
        edit_ledger(table, ledger)->opened = 0;
        return true;
    }
    if (head->released)
        return false;
    edit_ledger(table, ledger)->released = true;
    return true;
}

void ledger_add_stream(struct node_table *table, struct node_ledger *ledger, uint64_t fh)
{
    if (!ledger)
        return;
    if (ledger_head_of(table, ledger)->stream != NODE_STREAM_NONE)
        table_corrupt(table, "a request opens two directory streams");
    edit_ledger(table, ledger)->stream = fh;
}

void ledger_drop_stream(struct node_table *table, struct node_ledger *ledger, uint64_t fh)
{
    if (ledger && ledger_head_of(table, ledger)->stream == fh)
        edit_ledger(table, ledger)->stream = NODE_STREAM_NONE;
}
