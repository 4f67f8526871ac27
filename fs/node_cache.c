// SPDX-License-Identifier: BSD-2-Clause
/*
 * What nodes hold: path descriptors and backing ids, a cache in order of last use, and the I/O
 * descriptors of open files.
 *
 * A node is on the list exactly while it holds something that could be had again: a path descriptor
 * with a file handle to replace it, or a backing id that no open needs.
 */
#include <fcntl.h>
#include <unistd.h>

#include "node_slot.h"

/* Nodes that are busy are passed over; so many of them that the bound is exceeded for a moment
 * rather than searched on for long. */
#define EVICT_TRIES 16

static bool may_lose_path(const struct node *node)
{
    // An open file outlives the right to reach it by its name.
    bool needed =
        (node->flags & NODE_UNLINKED) || (node->handle.type == NODE_BY_NAME && node->opens > 0);

    return node->held.path_fd >= 0 && node->handle.length > 0 && !needed;
}

static bool may_lose_backing(const struct node *node)
{
    return node->held.backing_id > 0 && node->opens == 0;
}

void cache_remove(struct node_table *table, struct node *node)
{
    struct node_header *header = table->header;
    struct node *slots = table->slots;

    if (!node->in_cache)
        return;
    if (node->newer)
        slots[node->newer].older = node->older;
    else
        header->newest = node->older;
    if (node->older)
        slots[node->older].newer = node->newer;
    else
        header->oldest = node->newer;
    node->in_cache = false;
    header->cached--;
}

void cache_touch(struct node_table *table, struct node *node)
{
    struct node_header *header = table->header;
    uint32_t slot = (uint32_t)(node - table->slots);

    if (node->in_cache && header->newest == slot)
        return;
    cache_remove(table, node);
    if (!may_lose_path(node) && !may_lose_backing(node))
        return;
    node->newer = SLOT_NONE;
    node->older = header->newest;
    if (header->newest)
        table->slots[header->newest].newer = slot;
    else
        header->oldest = slot;
    header->newest = slot;
    node->in_cache = true;
    header->cached++;
}

static void take_path(struct node_table *table, struct node *node, struct node_resources *into)
{
    into->path_fd = node->held.path_fd;
    if (node->held.path_fd >= 0)
        table->header->descriptors--;
    node->held.path_fd = -1;
}

static void take_io(struct node_table *table, struct node *node, struct node_resources *into)
{
    into->io_fd = node->held.io_fd;
    if (node->held.io_fd >= 0)
        table->header->descriptors--;
    node->held.io_fd = -1;
    node->flags &= (uint16_t) ~(NODE_IO_WRITABLE | NODE_IO_READABLE);
}

/* Takes from the old end of the list until no more than `bound` nodes are on it, or one has given.
 * */
static struct node_resources evict_to(struct node_table *table, uint32_t bound)
{
    struct node_header *header = table->header;
    struct node_resources taken = NODE_NO_RESOURCES;

    for (int tries = 0; tries < EVICT_TRIES && header->cached > bound; tries++) {
        struct node *node = &table->slots[header->oldest];

        if (node->users > 0) {
            cache_touch(table, node);
            continue;
        }
        if (may_lose_path(node))
            take_path(table, node, &taken);
        if (may_lose_backing(node)) {
            taken.backing_id = node->held.backing_id;
            node->held.backing_id = 0;
        }
        cache_remove(table, node);
        break;
    }
    return taken;
}

struct node_resources cache_evict(struct node_table *table)
{
    return evict_to(table, table->header->cached_max);
}

bool node_shed(struct node_table *table, struct node_resources *taken)
{
    table_lock(table);
    *taken = evict_to(table, 0);
    table_unlock(table);
    return taken->path_fd >= 0 || taken->backing_id > 0;
}

struct node_resources cache_strip(struct node_table *table, struct node *node)
{
    struct node_resources taken = NODE_NO_RESOURCES;

    cache_remove(table, node);
    take_path(table, node, &taken);
    take_io(table, node, &taken);
    taken.backing_id = node->held.backing_id;
    node->held.backing_id = 0;
    return taken;
}

void cache_strip_io(struct node_table *table, struct node *node, bool readers_need_io,
                    struct node_resources *into)
{
    uint32_t needed_by = readers_need_io ? node->opens : node->writers;

    if (needed_by == 0 && node->io_users == 0 && !(node->flags & NODE_CLASS_ROOT))
        take_io(table, node, into);
}

void cache_give_path(struct node_table *table, struct node *node, int fd)
{
    node->held.path_fd = fd;
    if (fd >= 0)
        table->header->descriptors++;
    cache_touch(table, node);
}

void node_lend_path(struct node_table *table, struct node_ref *ref, int fd,
                    struct node_resources leftover[2])
{
    struct node *node = ref->node;

    leftover[0] = leftover[1] = NODE_NO_RESOURCES;
    table_lock(table);
    if (node->held.path_fd < 0)
        cache_give_path(table, node, fd);
    else
        leftover[0].path_fd = fd;
    ref->held.path_fd = node->held.path_fd;
    leftover[1] = cache_evict(table);
    table_unlock(table);
}

void node_handle_now(struct node_table *table, const struct node_ref *ref,
                     struct node_handle *handle)
{
    table_lock(table);
    *handle = ref->node->handle;
    table_unlock(table);
}

void node_set_handle(struct node_table *table, struct node_ref *ref,
                     const struct node_handle *handle)
{
    table_lock(table);
    ref->node->handle = *handle;
    if (handle->length == 0)
        cache_remove(table, ref->node);
    table_unlock(table);
}

void node_become_class_root(struct node_table *table, struct node_ref *ref, uint8_t area,
                            uint8_t class, int contents_fd)
{
    struct node *node = ref->node;

    table_lock(table);
    cache_remove(table, node);
    if (node->held.io_fd >= 0) {
        // It was a class root before: the number that old requests may still use stands for the new
        // contents now.
        dup3(contents_fd, node->held.io_fd, O_CLOEXEC);
        close(contents_fd);
        contents_fd = node->held.io_fd;
    } else {
        table->header->descriptors++;
    }
    node->held.io_fd = node->held.path_fd;
    node->held.path_fd = contents_fd;
    node->handle.length = 0;
    node->area = area;
    node->class = class;
    node->flags |= NODE_CLASS_ROOT;
    table_unlock(table);
}

void node_become_plain(struct node_table *table, struct node_ref *ref, uint8_t area, uint8_t class)
{
    struct node *node = ref->node;
    int contents_fd = node->held.path_fd;

    table_lock(table);
    node->held.path_fd = node->held.io_fd;
    node->held.io_fd = contents_fd;
    node->area = area;
    node->class = class;
    node->flags &= (uint16_t)~NODE_CLASS_ROOT;
    table_unlock(table);
}

uint16_t node_open(struct node_table *table, struct node_ref *ref, bool writer, uint16_t set,
                   uint16_t clear)
{
    struct node *node = ref->node;
    uint16_t before;

    table_lock(table);
    node->opens++;
    node->writers += writer;
    table->header->opens++;
    before = node->flags;
    node->flags = (uint16_t)((before & ~clear) | set);
    table_unlock(table);
    return before;
}

void node_close(struct node_table *table, struct node_ref *ref, bool writer, bool readers_need_io,
                struct node_resources *leftover)
{
    struct node *node = ref->node;

    *leftover = NODE_NO_RESOURCES;
    table_lock(table);
    // A release that was never opened would be the kernel's mistake; it must not make the counts
    // wrap.
    if (node->opens > 0) {
        node->opens--;
        table->header->opens--;
        node->writers -= writer && node->writers > 0;
    }
    cache_strip_io(table, node, readers_need_io, leftover);
    if (node->opens == 0 && (node->flags & NODE_UNLINKED)) {
        leftover->backing_id = node->held.backing_id;
        node->held.backing_id = 0;
    }
    if (node->opens == 0 && !node->in_cache)
        cache_touch(table, node);
    table_unlock(table);
}

void node_set_io(struct node_table *table, struct node_ref *ref, int fd, uint16_t flags)
{
    table_lock(table);
    ref->node->held.io_fd = fd;
    ref->node->flags |= flags;
    table->header->descriptors++;
    table_unlock(table);
}

void node_set_backing(struct node_table *table, struct node_ref *ref, int32_t backing_id)
{
    table_lock(table);
    ref->node->held.backing_id = backing_id;
    table_unlock(table);
}

int node_io_begin(struct node_table *table, struct node_ref *ref, bool writable)
{
    struct node *node = ref->node;
    uint16_t needed = writable ? NODE_IO_WRITABLE : NODE_IO_READABLE;
    int fd = -1;

    table_lock(table);
    if (node->held.io_fd >= 0 && (node->flags & needed)) {
        fd = node->held.io_fd;
        node->io_users++;
    }
    table_unlock(table);
    return fd;
}

void node_io_end(struct node_table *table, struct node_ref *ref, bool readers_need_io,
                 struct node_resources *leftover)
{
    *leftover = NODE_NO_RESOURCES;
    table_lock(table);
    ref->node->io_users--;
    cache_strip_io(table, ref->node, readers_need_io, leftover);
    table_unlock(table);
}

uint16_t node_io_errors(struct node_table *table, struct node_ref *ref, bool another)
{
    uint16_t errors;

    table_lock(table);
    ref->node->io_errors = (uint16_t)(ref->node->io_errors + another);
    errors = ref->node->io_errors;
    table_unlock(table);
    return errors;
}
