// SPDX-License-Identifier: BSD-2-Clause
/* Open files: how many opens a node has, and the descriptors for their I/O. */
#include "fs/nodes/node_slot.h"

/* How many slots are looked at while requests wait for the table. */
#define SLOTS_AT_ONCE 1024U

uint16_t node_open(struct node_table *table, struct node_ledger *ledger, struct node_ref *ref,
                   bool writer, uint16_t set, uint16_t clear, bool readers_need_io)
{
    struct node *node;
    uint16_t before;
    bool was_idle;

    table_begin(table);
    node = edit_slot(table, node_in_use(table, ref));
    was_idle = is_idle(node);
    before = node->flags;
    node->opens++;
    node->writers += writer;
    node->flags = (uint16_t)((before & ~clear) | set);
    use_of(table, node)->io_stays = false;
    if (writer)
        use_of(table, node)->asked = false;
    edit_header(table)->opens++;
    count_idle(table, node, was_idle);
    ledger_add_open(table, ledger, ref->id, writer, readers_need_io);
    table_end(table);
    return before;
}

/* Returns whether a node without a name may lose something beside its path descriptor: that alone
 * is sure to keep the object. */
static bool is_kept_otherwise(const struct node *node)
{
    return !(node->flags & NODE_UNLINKED) || node->held.path_fd >= 0;
}

/* Takes the I/O descriptor if no request uses it, and it does not keep the object alone. */
static void take_io_if_idle(struct node_table *table, const struct node *node,
                            struct node_resources *into)
{
    if (use_of(table, node)->io_users == 0 && !(node->flags & NODE_CLASS_ROOT) &&
        (is_kept_otherwise(node) || node->held.backing_id > 0))
        cache_take_io(table, node, into);
}

/* Takes the I/O descriptor if no open needs it. */
static void take_unneeded_io(struct node_table *table, const struct node *node,
                             bool readers_need_io, struct node_resources *into)
{
    uint32_t needed_by = readers_need_io ? node->opens : node->writers;

    if (needed_by == 0)
        take_io_if_idle(table, node, into);
}

void open_take_back(struct node_table *table, const struct node *open, bool writer,
                    bool readers_need_io, struct node_resources *into)
{
    struct node *node = edit_slot(table, open);
    bool was_idle = is_idle(node);

    // A release without an open would be the kernel's mistake; it must not make the counts wrap.
    if (node->opens > 0) {
        node->opens--;
        node->writers -= writer && node->writers > 0;
        edit_header(table)->opens--;
        count_idle(table, node, was_idle);
    }
    take_unneeded_io(table, node, readers_need_io, into);
    // The kernel has no open file any more that it reaches another way.
    if (node->opens == 0)
        node->flags &= (uint16_t)~NODE_CACHED;
    if (node->opens == 0 && (node->flags & NODE_UNLINKED) && is_kept_otherwise(node))
        cache_take_backing(table, node, into);
    if (node->opens == 0 && !node->in_cache)
        cache_touch(table, node);
}

void node_close(struct node_table *table, struct node_ledger *ledger, struct node_ref *ref,
                bool writer, bool readers_need_io, struct node_resources *leftover)
{
    const struct node *node;

    *leftover = NODE_NO_RESOURCES;
    table_begin(table);
    node = node_in_use(table, ref);
    if (ledger_may_close(table, ledger, ref->id))
        open_take_back(table, node, writer, readers_need_io, leftover);
    table_end(table);
}

static bool has_writers(const struct node *node)
{
    return node->writers > 0;
}

/* A backing id is kept for as long as the kernel has an open file, and beyond that in the cache. */
static bool may_be_used(const struct node *node)
{
    return node->opens > 0 || node->held.backing_id > 0 || (node->flags & NODE_MAYBE_MAPPED);
}

/* Looks at some slots. Returns false at the end of the table. */
static bool look_for(struct node_table *table, bool (*fits)(const struct node *node),
                     uint32_t *slot, uint64_t *id)
{
    uint32_t end;

    table_begin(table);
    end = table->header->fresh - 1;
    for (unsigned i = 0; i < SLOTS_AT_ONCE && *slot < end && !*id; i++) {
        const struct node *node = slot_at(table, ++*slot);

        if (node->in_use && fits(node))
            *id = id_of(table, node);
    }
    table_end(table);
    return *slot < end;
}

uint64_t node_next_writer(struct node_table *table, uint32_t *slot)
{
    uint64_t id = 0;

    while (look_for(table, has_writers, slot, &id) && !id)
        ;
    return id;
}

uint64_t node_next_used(struct node_table *table, uint32_t *slot)
{
    uint64_t id = 0;

    while (look_for(table, may_be_used, slot, &id) && !id)
        ;
    return id;
}

uint64_t node_find_orphan(struct node_table *table, const struct node_key *key)
{
    uint64_t id = 0;

    table_begin(table);
    for (uint32_t slot = 1; table->header->unlinked > 0 && slot < table->header->fresh && !id;
         slot++) {
        const struct node *node = slot_at(table, slot);

        if (node->in_use && (node->flags & NODE_UNLINKED) && node->ino == key->ino &&
            node->birth == key->birth && node->tree == key->tree)
            id = id_of(table, node);
    }
    table_end(table);
    return id;
}

void node_set_io(struct node_table *table, struct node_ref *ref, int fd, uint16_t flags)
{
    struct node *node;

    table_begin(table);
    node = edit_slot(table, node_in_use(table, ref));
    fd_own(table, fd, OWNER_NODE, slot_of(table, node));
    node->held.io_fd = fd;
    node->flags |= flags;
    table_end(table);
}

void node_set_backing(struct node_table *table, struct node_ref *ref, int32_t backing_id)
{
    struct node *node;

    table_begin(table);
    node = edit_slot(table, node_in_use(table, ref));
    node->held.backing_id = backing_id;
    // The node may now lose what it could not before.
    if (!node->in_cache)
        cache_touch(table, node);
    if (table->header->highest_backing < backing_id)
        edit_header(table)->highest_backing = backing_id;
    table_end(table);
}

int node_io_begin(struct node_table *table, struct node_ref *ref, bool writable)
{
    uint16_t needed = writable ? NODE_IO_WRITABLE : NODE_IO_READABLE;
    const struct node *node;
    int fd = -1;

    table_begin(table);
    node = node_in_use(table, ref);
    if (node->held.io_fd >= 0 && (node->flags & needed)) {
        fd = node->held.io_fd;
        fd_check(table, fd, node);
        use_of(table, node)->io_users++;
    }
    table_end(table);
    return fd;
}

void node_io_end(struct node_table *table, struct node_ref *ref, bool readers_need_io,
                 struct node_resources *leftover)
{
    const struct node *node;

    *leftover = NODE_NO_RESOURCES;
    table_begin(table);
    node = node_in_use(table, ref);
    use_of(table, node)->io_users--;
    take_unneeded_io(table, node, readers_need_io, leftover);
    table_end(table);
}

void node_io_take(struct node_table *table, struct node_ref *ref, struct node_resources *taken)
{
    const struct node *node;

    *taken = NODE_NO_RESOURCES;
    table_begin(table);
    node = node_in_use(table, ref);
    if (node->opens == 1 && node->held.backing_id > 0 && !(node->flags & NODE_UNLINKED) &&
        !use_of(table, node)->io_stays) {
        take_io_if_idle(table, node, taken);
        use_of(table, node)->io_stays = taken->io_fd >= 0;
    }
    table_end(table);
}

bool node_ask_first(struct node_table *table, struct node_ref *ref)
{
    struct node_use *use;
    bool first;

    table_begin(table);
    use = use_of(table, node_in_use(table, ref));
    first = !use->asked;
    use->asked = true;
    table_end(table);
    return first;
}

uint16_t node_io_errors(struct node_table *table, struct node_ref *ref, bool another)
{
    const struct node *node;
    uint16_t errors;

    table_begin(table);
    node = node_in_use(table, ref);
    if (another)
        edit_slot(table, node)->io_errors++;
    errors = node->io_errors;
    table_end(table);
    return errors;
}
