// SPDX-License-Identifier: BSD-2-Clause
/* Changes of a node's class: a node becomes a class root, or a plain directory again. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fs/nodes/node_slot.h"

void node_become_class_root(struct node_table *table, struct node_ref *ref, uint8_t area,
                            uint8_t class, int contents_fd)
{
    struct node *node;

    table_begin(table);
    node = edit_slot(table, node_in_use(table, ref));
    cache_remove(table, node);
    if (node->held.io_fd >= 0) {
        // The node was a class root before: the number that old requests may still use stands for
        // the new contents now.
        fd_check(table, node->held.io_fd, node);
        dup3(contents_fd, node->held.io_fd, O_CLOEXEC);
        close(contents_fd);
        contents_fd = node->held.io_fd;
    } else {
        fd_own(table, contents_fd, OWNER_NODE, slot_of(table, node));
    }
    node->held.io_fd = node->held.path_fd;
    node->held.path_fd = contents_fd;
    node->handle.length = 0;
    node->area = area;
    node->class = class;
    node->flags |= NODE_CLASS_ROOT;
    table_end(table);
}

void node_become_plain(struct node_table *table, struct node_ref *ref, uint8_t area, uint8_t class)
{
    struct node *node;
    int contents_fd;

    table_begin(table);
    node = edit_slot(table, node_in_use(table, ref));
    contents_fd = node->held.path_fd;
    node->held.path_fd = node->held.io_fd;
    node->held.io_fd = contents_fd;
    node->area = area;
    node->class = class;
    node->flags &= (uint16_t) ~(NODE_CLASS_ROOT | NODE_LAST_CLOSE);
    table_end(table);
}

void node_set_class(struct node_table *table, struct node_ref *ref, uint8_t class)
{
    table_begin(table);
    edit_slot(table, node_in_use(table, ref))->class = class;
    table_end(table);
    ref->class = class;
}

int node_class(struct node_table *table, uint64_t id)
{
    const struct node *node;
    int class;

    table_begin(table);
    node = node_of(table, id);
    class = node ? node->class : -1;
    table_end(table);
    return class;
}

void node_move_contents(struct node_table *table, struct node_ref *ref, uint8_t area,
                        int contents_fd)
{
    struct node *node;

    table_begin(table);
    node = edit_slot(table, node_in_use(table, ref));
    // The number that old requests may still use stands for the new contents now.
    fd_check(table, node->held.path_fd, node);
    dup3(contents_fd, node->held.path_fd, O_CLOEXEC);
    close(contents_fd);
    node->area = area;
    table_end(table);
}

void node_set_policy(struct node_table *table, struct node_ref *ref, uint16_t policy)
{
    table_begin(table);
    edit_slot(table, node_in_use(table, ref))->policy = policy;
    ref->policy = policy;
    table_end(table);
}

/* So many slots are looked at before others get the lock. */
#define SLOTS_AT_ONCE 4096

void node_find_areas(struct node_table *table, bool found[NODE_AREAS_MAX])
{
    uint32_t slot = 1, end = 2;

    memset(found, 0, NODE_AREAS_MAX * sizeof(*found));
    while (slot < end) {
        uint32_t stop = slot + SLOTS_AT_ONCE;

        table_begin(table);
        end = table->header->fresh;
        for (; slot < stop && slot < end; slot++) {
            const struct node *node = slot_at(table, slot);

            if (node->in_use)
                found[node->area] = true;
        }
        table_end(table);
    }
}
