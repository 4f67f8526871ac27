// SPDX-License-Identifier: BSD-2-Clause
#include "fs/nodes/node_search.h"

#include "fs/nodes/node_slot.h"

/* So many slots are looked at before others get the lock. */
#define SLOTS_AT_ONCE 1024U

bool node_is_class_root(struct node_table *table, uint64_t id)
{
    const struct node *node;
    bool is_root;

    table_begin(table);
    node = node_of(table, id);
    is_root = node && (node->flags & NODE_CLASS_ROOT);
    table_end(table);
    return is_root;
}

static bool is_root(const struct node *node, uint8_t unused)
{
    (void)unused;
    return node->flags & NODE_CLASS_ROOT;
}

static bool is_in_area(const struct node *node, uint8_t area)
{
    return node->area == area;
}

/* The nodes that are searched for. */
struct search {
    bool (*matches)(const struct node *node, uint8_t area);
    uint8_t area;
};

/* Looks at some slots. Returns false at the end of the table. */
static bool look_for_match(struct node_table *table, const struct search *search, uint32_t *slot,
                           uint64_t *id)
{
    uint32_t end;

    table_begin(table);
    end = table->header->fresh - 1;
    for (unsigned i = 0; i < SLOTS_AT_ONCE && *slot < end && !*id; i++) {
        const struct node *node = slot_at(table, ++*slot);

        if (node->in_use && search->matches(node, search->area))
            *id = id_of(table, node);
    }
    table_end(table);
    return *slot < end;
}

static uint64_t find_next(struct node_table *table, const struct search *search, uint32_t *slot)
{
    uint64_t id = 0;

    while (look_for_match(table, search, slot, &id) && !id)
        ;
    return id;
}

uint64_t node_next_class_root(struct node_table *table, uint32_t *slot)
{
    return find_next(table, &(const struct search){ .matches = is_root }, slot);
}

uint64_t node_next_in_area(struct node_table *table, uint8_t area, uint32_t *slot)
{
    return find_next(table, &(const struct search){ .matches = is_in_area, .area = area }, slot);
}

void node_take_backing(struct node_table *table, struct node_ref *ref,
                       struct node_resources *leftover)
{
    const struct node *node;

    *leftover = NODE_NO_RESOURCES;
    table_begin(table);
    node = node_in_use(table, ref);
    if (node->opens == 0 && !(node->flags & NODE_UNLINKED))
        cache_take_backing(table, node, leftover);
    table_end(table);
}
