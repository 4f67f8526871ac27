// SPDX-License-Identifier: BSD-2-Clause
/* Files by their nodes. */
#ifndef SHMAPFS_NODE_LIST_H
#define SHMAPFS_NODE_LIST_H

#include <stddef.h>
#include <stdint.h>

struct node_list {
    uint64_t *ids; // for free()
    size_t count;
    size_t room;
};

/* Adds a file. Returns 0 or -ENOMEM. */
int node_list_add(struct node_list *list, uint64_t id);

#endif
