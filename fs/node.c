// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who is in the node table: slots, their hash, and what they are counted for.
 *
 * The hash is Litwin's linear hashing ("Linear Hashing: A New Tool for File and Table Addressing",
 * 1980): with each node more than there are buckets one bucket is split in two, so that the table
 * grows without ever stopping to move everything.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "node_slot.h"

#define FIRST_BUCKETS 1024U

static uint64_t round_to_page(uint64_t bytes)
{
    return (bytes + 4095) & ~UINT64_C(4095);
}

static int init_header(struct node_header *header, uint32_t capacity, uint32_t cached_max)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);

    if (error)
        return -error;
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    error = pthread_mutex_init(&header->mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    header->magic = TABLE_MAGIC;
    header->version = TABLE_VERSION;
    header->capacity = capacity;
    header->fresh = SLOT_ROOT;
    header->mask = FIRST_BUCKETS - 1;
    header->cached_max = cached_max;
    return -error;
}

int node_table_create(struct node_table *table, uint32_t capacity, uint32_t cached_max)
{
    uint64_t slots_at, buckets_at = round_to_page(sizeof(struct node_header));
    void *memory;
    int error;

    // Slot 0 means none, and a bucket more than nodes is split off at most.
    capacity += 1;
    slots_at = buckets_at + round_to_page((uint64_t)(capacity + FIRST_BUCKETS) * sizeof(uint32_t));
    table->bytes = slots_at + (uint64_t)capacity * sizeof(struct node);
    table->memfd = memfd_create("shmapfs-nodes", MFD_CLOEXEC);
    if (table->memfd < 0)
        return -errno;
    // Sparse: what no node has used takes no memory.
    if (ftruncate(table->memfd, (off_t)table->bytes) != 0)
        goto failed;
    memory = mmap(NULL, table->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                  table->memfd, 0);
    if (memory == MAP_FAILED)
        goto failed;
    table->header = memory;
    table->buckets = (uint32_t *)((char *)memory + buckets_at);
    table->slots = (struct node *)((char *)memory + slots_at);
    error = init_header(table->header, capacity, cached_max);
    if (error)
        node_table_destroy(table);
    return error;
failed:
    error = -errno;
    close(table->memfd);
    return error;
}

void node_table_destroy(struct node_table *table)
{
    munmap(table->header, table->bytes);
    close(table->memfd);
}

static uint32_t hash(uint64_t ino, uint8_t tree)
{
    // Stafford's variant 13 of the 64-bit finaliser of MurmurHash3: every bit of the number reaches
    // every bit of the hash.
    uint64_t h = ino ^ (uint64_t)tree << 63;

    h = (h ^ h >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    h = (h ^ h >> 27) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)(h ^ h >> 31);
}

static uint32_t *bucket_of(struct node_table *table, uint64_t ino, uint8_t tree)
{
    const struct node_header *header = table->header;
    uint32_t h = hash(ino, tree);
    uint32_t bucket = h & header->mask;

    if (bucket < header->split)
        bucket = h & (header->mask * 2 + 1);
    return &table->buckets[bucket];
}

static void split_bucket(struct node_table *table)
{
    struct node_header *header = table->header;
    uint32_t rest = table->buckets[header->split];
    uint32_t slot;

    table->buckets[header->split] = SLOT_NONE;
    table->buckets[header->split + header->mask + 1] = SLOT_NONE;
    header->split++;
    while ((slot = rest) != SLOT_NONE) {
        struct node *node = &table->slots[slot];
        uint32_t *bucket = bucket_of(table, node->ino, node->tree);

        rest = node->next;
        node->next = *bucket;
        *bucket = slot;
    }
    if (header->split == header->mask + 1) {
        header->mask = header->mask * 2 + 1;
        header->split = 0;
    }
}

static uint32_t slot_of(const struct node_table *table, const struct node *node)
{
    return (uint32_t)(node - table->slots);
}

static void hash_insert(struct node_table *table, struct node *node)
{
    uint32_t *bucket = bucket_of(table, node->ino, node->tree);

    node->next = *bucket;
    *bucket = slot_of(table, node);
}

static void hash_remove(struct node_table *table, struct node *node)
{
    uint32_t *link = bucket_of(table, node->ino, node->tree);

    while (*link != SLOT_NONE && *link != slot_of(table, node))
        link = &table->slots[*link].next;
    if (*link != SLOT_NONE)
        *link = node->next;
}

static struct node *hash_find(struct node_table *table, const struct node_key *key)
{
    uint32_t slot = *bucket_of(table, key->ino, key->tree);

    while (slot != SLOT_NONE) {
        struct node *node = &table->slots[slot];

        if (node->ino == key->ino && node->tree == key->tree && node->birth == key->birth)
            return node;
        slot = node->next;
    }
    return NULL;
}

static uint64_t id_of(const struct node_table *table, const struct node *node)
{
    return (uint64_t)node->generation << 32 | slot_of(table, node);
}

static struct node *node_of(struct node_table *table, uint64_t id)
{
    uint32_t slot = (uint32_t)id;
    struct node *node;

    if (slot == SLOT_NONE || slot >= table->header->fresh)
        return NULL;
    node = &table->slots[slot];
    return node->in_use && node->generation == id >> 32 ? node : NULL;
}

static struct node *take_slot(struct node_table *table)
{
    struct node_header *header = table->header;
    struct node *node;
    uint32_t slot = header->free;
    uint32_t generation = 0;

    if (slot != SLOT_NONE) {
        node = &table->slots[slot];
        header->free = node->next;
        generation = node->generation + 1;
    } else if (header->fresh < header->capacity) {
        node = &table->slots[header->fresh++];
    } else {
        return NULL;
    }
    memset(node, 0, sizeof(*node));
    node->generation = generation;
    node->in_use = true;
    node->held = NODE_NO_RESOURCES;
    header->nodes++;
    return node;
}

/* Frees a slot that nothing counts on any more; its resources are the caller's. */
static struct node_resources free_if_unused(struct node_table *table, struct node *node)
{
    struct node_header *header = table->header;
    struct node_resources held;

    if (node->lookups || node->opens || node->users)
        return NODE_NO_RESOURCES;
    held = cache_strip(table, node);
    if (!(node->flags & NODE_UNLINKED))
        hash_remove(table, node);
    held.orphan = node->flags & NODE_UNLINKED;
    node->in_use = false;
    node->next = header->free;
    header->free = slot_of(table, node);
    header->nodes--;
    return held;
}

/* The last use of a node ended: what can be given up now? */
static struct node_resources after_last_use(struct node_table *table, struct node *node)
{
    if (!node->lookups && !node->opens)
        return free_if_unused(table, node);
    // The use may have kept the cache from its bound.
    return cache_evict(table);
}

static void begin_use(struct node_table *table, struct node *node, struct node_ref *ref)
{
    node->users++;
    if (node->in_cache)
        cache_touch(table, node);
    *ref = (struct node_ref){
        .node = node,
        .id = id_of(table, node),
        .ino = node->ino,
        .birth = node->birth,
        .held = node->held,
        .writers = node->writers,
        .flags = node->flags,
        .tree = node->tree,
        .area = node->area,
        .class = node->class,
        .type = node->type,
    };
    if (node->held.path_fd < 0)
        ref->handle = node->handle;
}

static struct node *insert(struct node_table *table, const struct node_seed *seed)
{
    struct node_header *header = table->header;
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
    if (header->nodes > header->mask + 1 + header->split)
        split_bucket(table);
    hash_insert(table, node);
    return node;
}

int node_claim(struct node_table *table, const struct node_seed *seed, int fd, struct node_ref *ref,
               struct node_resources leftover[2])
{
    struct node *node;

    leftover[0] = leftover[1] = NODE_NO_RESOURCES;
    table_lock(table);
    node = hash_find(table, &seed->key);
    if (!node)
        node = insert(table, seed);
    if (!node) {
        table_unlock(table);
        leftover[0].path_fd = fd;
        return -ENFILE;
    }
    node->lookups++;
    if (node->held.path_fd < 0)
        cache_give_path(table, node, fd);
    else
        leftover[0].path_fd = fd;
    begin_use(table, node, ref);
    leftover[1] = cache_evict(table);
    table_unlock(table);
    return 0;
}

/* Begins a use of a node that was looked for, if it was found. */
static bool use(struct node_table *table, struct node *node, struct node_ref *ref)
{
    if (node)
        begin_use(table, node, ref);
    else
        ref->node = NULL;
    return node != NULL;
}

bool node_use(struct node_table *table, uint64_t id, struct node_ref *ref)
{
    bool found;

    table_lock(table);
    found = use(table, node_of(table, id), ref);
    table_unlock(table);
    return found;
}

bool node_use_key(struct node_table *table, const struct node_key *key, struct node_ref *ref)
{
    bool found;

    table_lock(table);
    found = use(table, hash_find(table, key), ref);
    table_unlock(table);
    return found;
}

void node_refresh(struct node_table *table, struct node_ref *ref)
{
    table_lock(table);
    ref->held = ref->node->held;
    ref->flags = ref->node->flags;
    ref->writers = ref->node->writers;
    ref->area = ref->node->area;
    ref->class = ref->node->class;
    table_unlock(table);
}

void node_end(struct node_table *table, struct node_ref *ref, struct node_resources *leftover)
{
    table_lock(table);
    ref->node->users--;
    *leftover = ref->node->users ? NODE_NO_RESOURCES : after_last_use(table, ref->node);
    table_unlock(table);
    ref->node = NULL;
}

void node_forget(struct node_table *table, uint64_t id, uint64_t lookups,
                 struct node_resources *leftover)
{
    struct node *node;

    *leftover = NODE_NO_RESOURCES;
    table_lock(table);
    node = node_of(table, id);
    // The kernel never forgets the root, which has no name to be looked up by again.
    if (node && id != NODE_ROOT_ID) {
        node->lookups -= lookups < node->lookups ? lookups : node->lookups;
        *leftover = free_if_unused(table, node);
    }
    table_unlock(table);
}

void node_unlinked(struct node_table *table, struct node_ref *ref, struct node_resources *leftover)
{
    struct node *node = ref->node;

    *leftover = NODE_NO_RESOURCES;
    table_lock(table);
    if (!(node->flags & NODE_UNLINKED)) {
        hash_remove(table, node);
        node->flags |= NODE_UNLINKED;
        table->header->orphans++;
        if (node->opens == 0) {
            leftover->backing_id = node->held.backing_id;
            node->held.backing_id = 0;
        }
        cache_remove(table, node);
    }
    table_unlock(table);
}

uint16_t node_flags(struct node_table *table, struct node_ref *ref, uint16_t set, uint16_t clear)
{
    uint16_t before;

    table_lock(table);
    before = ref->node->flags;
    ref->node->flags = (uint16_t)((before & ~clear) | set);
    table_unlock(table);
    return before;
}

bool node_flags_unless_writers(struct node_table *table, struct node_ref *ref, uint16_t set,
                               uint16_t unless)
{
    bool may;

    table_lock(table);
    may = ref->node->writers == 0 && !(ref->node->flags & unless);
    if (may)
        ref->node->flags |= set;
    table_unlock(table);
    return may;
}

void node_orphan_gone(struct node_table *table)
{
    table_lock(table);
    table->header->orphans--;
    table_unlock(table);
}

struct node_counts node_table_counts(struct node_table *table)
{
    struct node_counts counts;

    table_lock(table);
    counts = (struct node_counts){ .nodes = table->header->nodes,
                                   .opens = table->header->opens,
                                   .descriptors = table->header->descriptors,
                                   .cached_max = table->header->cached_max,
                                   .orphans = table->header->orphans };
    table_unlock(table);
    return counts;
}
