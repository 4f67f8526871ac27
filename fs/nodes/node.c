// SPDX-License-Identifier: BSD-2-Clause
/* The nodes of the table: slots, and the counts that keep them in use. */
#include <errno.h>
#include <string.h>

#include "fs/nodes/node_slot.h"

/* Takes a slot from the free list, or the first that was never used. */
static const struct node *unused_slot(struct node_table *table, uint32_t *generation)
{
    struct node_header *header;
    const struct node *node;

    if (table->header->free == SLOT_NONE) {
        if (table->header->fresh >= table->capacity)
            return NULL;
        *generation = 0;
        return &table->slots[edit_header(table)->fresh++];
    }
    header = edit_header(table);
    node = slot_at(table, header->free);
    if (node->in_use)
        table_corrupt(table, "a node that is in use is on the free list");
    header->free = node->next;
    *generation = node->generation + 1;
    return node;
}

static struct node *take_slot(struct node_table *table)
{
    uint32_t generation;
    const struct node *unused = unused_slot(table, &generation);
    struct node *node;

    if (!unused)
        return NULL;
    node = edit_slot(table, unused);
    memset(node, 0, sizeof(*node));
    node->generation = generation;
    node->in_use = true;
    node->held = (struct node_held){ .path_fd = -1, .io_fd = -1 };
    edit_header(table)->nodes++;
    *use_of(table, node) = (struct node_use){ 0 };
    return node;
}

void count_idle(struct node_table *table, const struct node *node, bool was_idle)
{
    bool idle = is_idle(node);

    if (idle && !was_idle)
        edit_header(table)->idle++;
    else if (!idle && was_idle)
        edit_header(table)->idle--;
}

void free_if_unused(struct node_table *table, const struct node *unused,
                    struct node_resources *into)
{
    struct node_header *header;
    struct node *node;

    if (!is_idle(unused) || use_of(table, unused)->users > 0 || use_of(table, unused)->kept)
        return;
    node = edit_slot(table, unused);
    header = edit_header(table);
    cache_strip(table, node, into);
    into->orphan = node->flags & NODE_UNLINKED;
    if (into->orphan) {
        header->unlinked--;
        table->closing++;
    } else {
        hash_remove(table, node);
    }
    node->in_use = false;
    node->next = header->free;
    header->free = slot_of(table, node);
    header->nodes--;
    header->idle--;
}

void begin_use(struct node_table *table, const struct node *node, struct node_ref *ref)
{
    use_of(table, node)->users++;
    cache_use(table, node);
    if (node->held.path_fd >= 0)
        fd_check(table, node->held.path_fd, node);
    if (node->held.io_fd >= 0)
        fd_check(table, node->held.io_fd, node);
    *ref = (struct node_ref){
        .node = node,
        .id = id_of(table, node),
        .ino = node->ino,
        .birth = node->birth,
        .held = resources_of(node),
        .writers = node->writers,
        .opens = node->opens,
        .flags = node->flags,
        .policy = node->policy,
        .tree = node->tree,
        .area = node->area,
        .class = node->class,
        .type = node->type,
    };
    if (node->held.path_fd < 0)
        ref->handle = node->handle;
}

static const struct node *insert(struct node_table *table, const struct node_seed *seed)
{
    struct node *node = take_slot(table);

    if (!node)
        return NULL;
    node->ino = seed->key.ino;
    node->birth = seed->key.birth;
    node->tree = seed->key.tree;
    node->area = seed->area;
    node->class = seed->class;
    node->type = seed->type;
    node->flags = seed->flags;
    node->handle = seed->handle;
    node->policy = seed->policy;
    // Until the caller looks it up.
    edit_header(table)->idle++;
    hash_insert(table, node);
    return node;
}

static void count_lookup(struct node_table *table, struct node_ledger *ledger,
                         const struct node *node)
{
    bool was_idle = is_idle(node);

    edit_slot(table, node)->lookups++;
    count_idle(table, node, was_idle);
    ledger_add_lookup(table, ledger, id_of(table, node));
}

/* The side that a claim counts a lookup of. */
struct looker {
    bool is_kernel; // otherwise nobody's
    struct node_ledger *ledger;
};

static int claim_slot(struct node_table *table, const struct looker *looker,
                      const struct node_seed *seed, int fd, struct node_ref *ref,
                      struct node_resources leftover[2])
{
    const struct node *node;

    if (looker->is_kernel && ledger_is_full(table, looker->ledger))
        return -EOVERFLOW;
    node = hash_find(table, &seed->key);
    if (!node)
        node = insert(table, seed);
    if (!node)
        return -ENFILE;
    if (looker->is_kernel)
        count_lookup(table, looker->ledger, node);
    if (looker->is_kernel && node->policy != seed->policy)
        edit_slot(table, node)->policy = seed->policy;
    if (node->held.path_fd < 0)
        cache_give_path(table, node, fd);
    else
        leftover[0].path_fd = fd;
    begin_use(table, node, ref);
    leftover[1] = cache_evict(table);
    return 0;
}

static int claim(struct node_table *table, const struct looker *looker,
                 const struct node_seed *seed, int fd, struct node_ref *ref,
                 struct node_resources leftover[2])
{
    int error = -EMFILE;

    leftover[0] = leftover[1] = NODE_NO_RESOURCES;
    table_begin(table);
    if (fd < NODE_FD_MAX)
        error = claim_slot(table, looker, seed, fd, ref, leftover);
    if (error)
        leftover[0].path_fd = fd;
    table_commit(table);
    hash_grow(table);
    table_end(table);
    return error;
}

int node_claim(struct node_table *table, struct node_ledger *ledger, const struct node_seed *seed,
               int fd, struct node_ref *ref, struct node_resources leftover[2])
{
    const struct looker kernel = { .is_kernel = true, .ledger = ledger };

    return claim(table, &kernel, seed, fd, ref, leftover);
}

int node_use_object(struct node_table *table, const struct node_seed *seed, int fd,
                    struct node_ref *ref, struct node_resources leftover[2])
{
    return claim(table, &(struct looker){ .is_kernel = false }, seed, fd, ref, leftover);
}

/* Begins a use of a node that was searched for, if it was found. */
static bool use(struct node_table *table, const struct node *node, struct node_ref *ref)
{
    if (node)
        begin_use(table, node, ref);
    else
        ref->node = NULL;
    return node != NULL;
}

bool node_claim_known(struct node_table *table, struct node_ledger *ledger,
                      const struct node_key *key, struct node_ref *ref)
{
    const struct node *node;
    bool found;

    table_begin(table);
    node = ledger_is_full(table, ledger) ? NULL : hash_find(table, key);
    if (node)
        count_lookup(table, ledger, node);
    found = use(table, node, ref);
    table_end(table);
    return found;
}

bool node_use(struct node_table *table, uint64_t id, struct node_ref *ref)
{
    bool found;

    table_begin(table);
    found = use(table, node_of(table, id), ref);
    table_end(table);
    return found;
}

int node_area(struct node_table *table, uint64_t id)
{
    const struct node *node;
    int area;

    table_begin(table);
    node = node_of(table, id);
    area = node ? node->area : -1;
    table_end(table);
    return area;
}

bool node_use_key(struct node_table *table, const struct node_key *key, struct node_ref *ref)
{
    bool found;

    table_begin(table);
    found = use(table, hash_find(table, key), ref);
    table_end(table);
    return found;
}

void node_refresh(struct node_table *table, struct node_ref *ref)
{
    const struct node *node;

    table_begin(table);
    node = node_in_use(table, ref);
    ref->held = resources_of(node);
    ref->flags = node->flags;
    ref->writers = node->writers;
    ref->opens = node->opens;
    ref->area = node->area;
    ref->class = node->class;
    table_end(table);
}

void node_end(struct node_table *table, struct node_ref *ref, struct node_resources *leftover)
{
    const struct node *node;

    *leftover = NODE_NO_RESOURCES;
    table_begin(table);
    node = node_in_use(table, ref);
    use_of(table, node)->users--;
    if (is_idle(node))
        free_if_unused(table, node, leftover);
    else if (use_of(table, node)->users == 0 && !cache_spare(table, node, leftover))
        // The use may have kept the cache above its bound.
        *leftover = cache_evict(table);
    table_end(table);
    ref->node = NULL;
}

void take_lookups(struct node_table *table, uint64_t id, uint64_t lookups,
                  struct node_resources *into)
{
    const struct node *found = node_of(table, id);
    struct node *node;
    bool was_idle;

    // The kernel never forgets the root, which has no name to be looked up by again.
    if (!found || id == NODE_ROOT_ID)
        return;
    node = edit_slot(table, found);
    was_idle = is_idle(node);
    node->lookups -= lookups < node->lookups ? lookups : node->lookups;
    count_idle(table, node, was_idle);
    free_if_unused(table, node, into);
}

void node_unlookup(struct node_table *table, struct node_ledger *ledger, uint64_t id,
                   struct node_resources *leftover)
{
    *leftover = NODE_NO_RESOURCES;
    table_begin(table);
    ledger_drop_lookup(table, ledger, id);
    take_lookups(table, id, 1, leftover);
    table_end(table);
}

void node_forget(struct node_table *table, struct node_ledger *ledger, uint64_t id,
                 uint64_t lookups, struct node_resources *leftover)
{
    *leftover = NODE_NO_RESOURCES;
    table_begin(table);
    ledger_add_forget(table, ledger);
    take_lookups(table, id, lookups, leftover);
    table_end(table);
}

void node_unlinked(struct node_table *table, struct node_ref *ref)
{
    const struct node *node;

    table_begin(table);
    node = node_in_use(table, ref);
    if (!(node->flags & NODE_UNLINKED)) {
        hash_remove(table, node);
        edit_slot(table, node)->flags |= NODE_UNLINKED;
        edit_header(table)->unlinked++;
        cache_remove(table, node);
        cache_touch(table, node);
    }
    table_end(table);
}

/* Sets and clears flags; writes nothing if they are as they should be already. */
static void change_flags(struct node_table *table, const struct node *node, uint16_t set,
                         uint16_t clear)
{
    uint16_t flags = (uint16_t)((node->flags & ~clear) | set);

    if (flags != node->flags)
        edit_slot(table, node)->flags = flags;
}

uint16_t node_flags(struct node_table *table, struct node_ref *ref, uint16_t set, uint16_t clear)
{
    const struct node *node;
    uint16_t before;

    table_begin(table);
    node = node_in_use(table, ref);
    before = node->flags;
    change_flags(table, node, set, clear);
    table_end(table);
    return before;
}

bool node_flags_unless_writers(struct node_table *table, struct node_ref *ref, uint16_t set,
                               uint16_t unless)
{
    const struct node *node;
    bool may;

    table_begin(table);
    node = node_in_use(table, ref);
    may = node->writers == 0 && !(node->flags & unless);
    if (may)
        change_flags(table, node, set, 0);
    table_end(table);
    return may;
}

void node_orphan_gone(struct node_table *table)
{
    table_begin(table);
    table->closing--;
    table_end(table);
}
