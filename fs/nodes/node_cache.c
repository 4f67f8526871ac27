// SPDX-License-Identifier: BSD-2-Clause
/*
 * The cache of what nodes hold: path descriptors and backing ids in order of last use, and the I/O
 * descriptors of open files.
 *
 * A node is on the list exactly while it holds something that can be made again: a path descriptor
 * with a file handle to replace it, a backing id that no open needs, or an I/O descriptor of a file
 * whose contents the kernel reaches by a backing id.
 *
 * An object without a name exists for as long as somebody holds it. Where its handle opens it even
 * then, one thing is enough: its backing id, or its I/O descriptor, or its path descriptor. The
 * last of them stays until the node is freed.
 *
 * A use does not move a node that is near the new end anyway. The number of moves since a node's
 * own, which is known to this process alone, tells whether it is near. So work on a few nodes
 * changes nothing in the shared memory, and a node that is used is in no danger of becoming the
 * oldest.
 */
#include <fcntl.h>
#include <unistd.h>

#include "fs/nodes/node_slot.h"

/* How many busy nodes an eviction passes over. Beyond that the bound is exceeded for a moment,
 * rather than searched on for long. */
#define EVICT_TRIES 16

/* The newest 1/NEW_PART of the list counts as its new end. */
#define NEW_PART 2

static bool may_lose_path(const struct node *node)
{
    bool needed;

    if (node->flags & NODE_UNLINKED)
        needed = !(node->flags & NODE_HANDLE_LASTS) ||
                 (node->held.io_fd < 0 && node->held.backing_id == 0);
    else
        // An open file outlives the right to reach it by its name.
        needed = node->handle.type == NODE_BY_NAME && node->opens > 0;
    return node->held.path_fd >= 0 && node->handle.length > 0 && !needed;
}

static bool may_lose_backing(const struct node *node)
{
    return node->held.backing_id > 0 && node->opens == 0 && !(node->flags & NODE_UNLINKED);
}

/* A process that may open a node by its handle may open it for writing, too. */
static bool may_lose_io(const struct node *node)
{
    return node->held.io_fd >= 0 && node->held.backing_id > 0 && node->handle.length > 0 &&
           node->handle.type != NODE_BY_NAME;
}

uint32_t cache_pinned(const struct node *node)
{
    return (node->held.path_fd >= 0 && !may_lose_path(node)) +
           (node->held.io_fd >= 0 && !may_lose_io(node));
}

/* Returns a neighbour in the list; NULL: there is none. */
static const struct node *listed(const struct node_table *table, uint32_t slot)
{
    const struct node *node;

    if (slot == SLOT_NONE)
        return NULL;
    node = slot_at(table, slot);
    if (!node->in_use || !node->in_cache)
        table_corrupt(table, "the cache's list leads to a node that is not in it");
    return node;
}

static void unlink_listed(struct node_table *table, const struct node *node)
{
    struct node_header *header = edit_header(table);
    const struct node *newer = listed(table, node->newer);
    const struct node *older = listed(table, node->older);
    uint32_t slot = slot_of(table, node);

    if ((newer ? newer->older : header->newest) != slot ||
        (older ? older->newer : header->oldest) != slot)
        table_corrupt(table, "neighbours in the cache's list do not agree");
    if (newer)
        edit_slot(table, newer)->older = node->older;
    else
        header->newest = node->older;
    if (older)
        edit_slot(table, older)->newer = node->newer;
    else
        header->oldest = node->newer;
}

void cache_remove(struct node_table *table, const struct node *node)
{
    if (!node->in_cache)
        return;
    unlink_listed(table, node);
    edit_slot(table, node)->in_cache = false;
    edit_header(table)->cached--;
}

void cache_touch(struct node_table *table, const struct node *touched)
{
    uint32_t slot = slot_of(table, touched);
    const struct node *newest;
    struct node_header *header;
    struct node *node;

    if (touched->in_cache && table->header->newest == slot)
        return;
    cache_remove(table, touched);
    if (!may_lose_path(touched) && !may_lose_backing(touched) && !may_lose_io(touched))
        return;
    node = edit_slot(table, touched);
    header = edit_header(table);
    newest = listed(table, header->newest);
    node->newer = SLOT_NONE;
    node->older = header->newest;
    if (newest)
        edit_slot(table, newest)->newer = slot;
    else
        header->oldest = slot;
    header->newest = slot;
    node->in_cache = true;
    header->cached++;
    use_of(table, node)->promoted = ++table->promotions;
}

void cache_use(struct node_table *table, const struct node *node)
{
    if (node->in_cache &&
        table->promotions - use_of(table, node)->promoted >= table->cached_max / NEW_PART)
        cache_touch(table, node);
}

static void take_path(struct node_table *table, const struct node *node,
                      struct node_resources *into)
{
    if (node->held.path_fd < 0)
        return;
    fd_disown(table, node->held.path_fd, OWNER_NODE, slot_of(table, node));
    into->path_fd = node->held.path_fd;
    edit_slot(table, node)->held.path_fd = -1;
}

void cache_take_io(struct node_table *table, const struct node *from, struct node_resources *into)
{
    struct node *node;

    if (from->held.io_fd < 0)
        return;
    node = edit_slot(table, from);
    fd_disown(table, node->held.io_fd, OWNER_NODE, slot_of(table, node));
    into->io_fd = node->held.io_fd;
    node->held.io_fd = -1;
    node->flags &= (uint16_t) ~(NODE_IO_WRITABLE | NODE_IO_READABLE);
}

void cache_take_backing(struct node_table *table, const struct node *node,
                        struct node_resources *into)
{
    if (node->held.backing_id == 0)
        return;
    backing_add_pending_close(table, node->held.backing_id);
    into->backing_id = node->held.backing_id;
    edit_slot(table, node)->held.backing_id = 0;
}

static bool took_any(const struct node_resources *taken)
{
    return taken->path_fd >= 0 || taken->io_fd >= 0 || taken->backing_id > 0;
}

/* Takes from the old end of the list until no more than `bound` nodes are on it, or one node has
 * given something. */
static struct node_resources evict_to(struct node_table *table, uint32_t bound)
{
    const struct node_header *header = table->header;
    struct node_resources taken = NODE_NO_RESOURCES;

    if (header->cached <= bound || backing_many_pending_close(table))
        return taken;
    for (int tries = 0; tries < EVICT_TRIES && header->cached > bound; tries++) {
        const struct node *node = listed(table, header->oldest);

        if (!node)
            table_corrupt(table, "the cache's list is shorter than was counted");
        if (use_of(table, node)->users > 0) {
            cache_touch(table, node);
            continue;
        }
        if (may_lose_path(node))
            take_path(table, node, &taken);
        if (may_lose_io(node))
            cache_take_io(table, node, &taken);
        if (may_lose_backing(node))
            cache_take_backing(table, node, &taken);
        cache_remove(table, node);
        // A node that was opened since it was listed may have nothing to give.
        if (took_any(&taken))
            break;
    }
    return taken;
}

struct node_resources cache_evict(struct node_table *table)
{
    return evict_to(table, table->cached_max);
}

bool node_shed(struct node_table *table, struct node_resources *taken)
{
    table_begin(table);
    *taken = evict_to(table, 0);
    table_end(table);
    return took_any(taken);
}

bool cache_spare(struct node_table *table, const struct node *node, struct node_resources *into)
{
    if (!(node->flags & NODE_UNLINKED) || node->held.path_fd < 0 || node->held.io_fd < 0)
        return false;
    if (may_lose_io(node))
        cache_take_io(table, node, into);
    else if (may_lose_path(node))
        take_path(table, node, into);
    cache_touch(table, node);
    return took_any(into);
}

void cache_strip(struct node_table *table, const struct node *node, struct node_resources *into)
{
    cache_remove(table, node);
    take_path(table, node, into);
    cache_take_io(table, node, into);
    cache_take_backing(table, node, into);
}

void cache_give_path(struct node_table *table, const struct node *node, int fd)
{
    if (fd >= 0) {
        fd_own(table, fd, OWNER_NODE, slot_of(table, node));
        edit_slot(table, node)->held.path_fd = fd;
    }
    cache_touch(table, node);
}

void node_lend_path(struct node_table *table, struct node_ref *ref, int fd,
                    struct node_resources leftover[2])
{
    const struct node *node;

    leftover[0] = leftover[1] = NODE_NO_RESOURCES;
    table_begin(table);
    node = node_in_use(table, ref);
    if (node->held.path_fd < 0) {
        cache_give_path(table, node, fd);
    } else {
        fd_check(table, node->held.path_fd, node);
        leftover[0].path_fd = fd;
    }
    ref->held.path_fd = node->held.path_fd;
    leftover[1] = cache_evict(table);
    table_end(table);
}

void node_handle_now(struct node_table *table, const struct node_ref *ref,
                     struct node_handle *handle)
{
    table_begin(table);
    *handle = node_in_use(table, ref)->handle;
    table_end(table);
}

void node_set_handle(struct node_table *table, struct node_ref *ref,
                     const struct node_handle *handle)
{
    struct node *node;

    table_begin(table);
    node = edit_slot(table, node_in_use(table, ref));
    node->handle = *handle;
    if (handle->length == 0)
        cache_remove(table, node);
    table_end(table);
}
