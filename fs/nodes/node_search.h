// SPDX-License-Identifier: BSD-2-Clause
/* Searches of the node table, and what is done with what they find. */
#ifndef SHMAPFS_NODE_SEARCH_H
#define SHMAPFS_NODE_SEARCH_H

#include "fs/nodes/node_table.h"

/* Returns whether an id is that of a class root with contents elsewhere. */
bool node_is_class_root(struct node_table *table, uint64_t id);

/* Find such a class root, or a node whose contents are in an area, behind a slot, which they move
 * on; slot 0 is the beginning. Return its id; 0: there is none. The table is locked for a bounded
 * number of slots at a time. */
uint64_t node_next_class_root(struct node_table *table, uint32_t *slot);
uint64_t node_next_in_area(struct node_table *table, uint8_t area, uint32_t *slot);

/* Takes the backing id off a node in use that nobody has open. */
void node_take_backing(struct node_table *table, struct node_ref *ref,
                       struct node_resources *leftover);

#endif
