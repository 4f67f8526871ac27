// SPDX-License-Identifier: BSD-2-Clause
#include "fs/sync/node_list.h"

#include <errno.h>
#include <stdlib.h>

int node_list_add(struct node_list *list, uint64_t id)
{
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        uint64_t *longer = reallocarray(list->ids, room, sizeof(*list->ids));

        if (!longer)
            return -ENOMEM;
        list->ids = longer;
        list->room = room;
    }
    list->ids[list->count++] = id;
    return 0;
}
