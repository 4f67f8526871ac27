// SPDX-License-Identifier: BSD-2-Clause
#include "tools/scan/holders.h"

/* Returns whether a mount of another namespace is the first one there. */
static bool is_first_there(const struct mount_list *list, const struct listed_mount *mount)
{
    for (const struct listed_mount *other = list->all; other < mount; other++) {
        if (other->pid == mount->pid)
            return false;
    }
    return true;
}

const struct listed_mount *holders_next(const struct mount_list *list,
                                        const struct listed_mount *whole,
                                        const struct listed_mount *at, enum holder_kind *kind)
{
    const struct listed_mount *end = list->all + list->count;

    for (at = at ? at + 1 : list->all; at < end; at++) {
        if (at->pid == whole->pid && at->id != whole->id) {
            *kind = at->device == whole->device ? HOLDER_BIND : HOLDER_BELOW;
            return at;
        }
        if (at->pid != whole->pid && is_first_there(list, at)) {
            *kind = HOLDER_NAMESPACE;
            return at;
        }
    }
    return NULL;
}
