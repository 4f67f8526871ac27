// SPDX-License-Identifier: BSD-2-Clause
#include "fs/state/lock_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/nodes/node_fd.h"
#include "fs/util/checksum.h"
#include "lib/sys/cleanup.h"

#define BUCKETS 1024U

/* The states of an entry; far apart. */
enum { ENTRY_FREE = 0, ENTRY_IN_USE = 0x3c5a1d72, ENTRY_CLOSING = 0x61a7c4e9 };

struct lock_memory {
    _Atomic uint64_t opens;
    _Atomic uint32_t end; // no entry from here on was ever used
    uint32_t reserved;
    struct lock_entry entries[LOCK_OWNERS_MAX];
};

/* Chains of entries, as 1 + their place; 0: the end. */
struct lock_index {
    uint32_t buckets[BUCKETS];
    uint32_t next[LOCK_OWNERS_MAX];
    unsigned count;
    unsigned lowest; // no entry below it is free
};

static int map_memory(struct lock_table *table, int memfd)
{
    struct lock_index *index = calloc(1, sizeof(*index));
    void *memory =
        index ? mmap(NULL, sizeof(struct lock_memory), PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0)
              : MAP_FAILED;

    if (memory == MAP_FAILED) {
        int error = index ? -errno : -ENOMEM;

        free(index);
        return error;
    }
    *table = (struct lock_table){ .memfd = memfd, .memory = memory, .index = index };
    return 0;
}

int lock_table_create(struct lock_table *table)
{
    CLEANUP_FD int memfd = memfd_create("shmapfs-locks", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int error;

    if (memfd < 0 || ftruncate(memfd, sizeof(struct lock_memory)) != 0 ||
        fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return -errno;
    error = map_memory(table, memfd);
    if (!error)
        steal_fd(&memfd);
    return error;
}

int lock_table_attach(struct lock_table *table, int memfd)
{
    struct stat st;

    if (fstat(memfd, &st) != 0 || st.st_size != sizeof(struct lock_memory))
        return -EPROTO;
    return map_memory(table, memfd);
}

void lock_table_destroy(struct lock_table *table)
{
    if (!table->memory)
        return;
    for (unsigned i = 0; i < table->memory->end; i++) {
        if (table->memory->entries[i].state == ENTRY_IN_USE)
            close(table->memory->entries[i].fd);
    }
    munmap(table->memory, sizeof(*table->memory));
    free(table->index);
    close(table->memfd);
    *table = (struct lock_table){ .memfd = 0 };
}

static uint64_t check_of_entry(const struct lock_entry *entry)
{
    return checksum_bytes(CHECKSUM_BYTES, &entry->fd,
                          offsetof(struct lock_entry, check) - offsetof(struct lock_entry, fd));
}

static void set_entry_state(struct lock_entry *entry, uint32_t state)
{
    atomic_store_explicit(&entry->state, state, memory_order_release);
}

static uint32_t *bucket_of(const struct lock_table *table, uint64_t node)
{
    return &table->index->buckets[checksum_word(0, node) % BUCKETS];
}

static unsigned place_of(const struct lock_table *table, const struct lock_entry *entry)
{
    return (unsigned)(entry - table->memory->entries);
}

static void link_entry(struct lock_table *table, const struct lock_entry *entry)
{
    uint32_t *bucket = bucket_of(table, entry->node);
    unsigned place = place_of(table, entry);

    table->index->next[place] = *bucket;
    *bucket = place + 1;
    table->index->count++;
}

static void unlink_entry(struct lock_table *table, const struct lock_entry *entry)
{
    uint32_t *link = bucket_of(table, entry->node);
    unsigned place = place_of(table, entry);

    while (*link != place + 1)
        link = &table->index->next[*link - 1];
    *link = table->index->next[place];
    table->index->count--;
    if (place < table->index->lowest)
        table->index->lowest = place;
}

struct lock_entry *lock_table_next(const struct lock_table *table, uint64_t node,
                                   const struct lock_entry *after)
{
    uint32_t at = after ? table->index->next[place_of(table, after)] : *bucket_of(table, node);

    while (at && table->memory->entries[at - 1].node != node)
        at = table->index->next[at - 1];
    return at ? &table->memory->entries[at - 1] : NULL;
}

struct lock_entry *lock_table_find(const struct lock_table *table, const struct lock_key *key)
{
    struct lock_entry *entry = NULL;

    while ((entry = lock_table_next(table, key->node, entry)) &&
           (entry->owner != key->owner || entry->kind != key->kind))
        ;
    return entry;
}

/* Frees an entry whose descriptor is closed with those of nobody. */
static void drop_entry(struct lock_entry *entry, struct node_table *nodes)
{
    node_fd_drop(nodes, entry->fd);
    set_entry_state(entry, ENTRY_FREE);
}

/* Keeps an entry, unless it is the one that was about to go of two with one key. */
static void keep_entry(struct lock_table *table, struct lock_entry *entry, struct node_table *nodes)
{
    const struct lock_key key = { .node = entry->node,
                                  .owner = entry->owner,
                                  .kind = (enum lock_kind)entry->kind };
    struct lock_entry *other = lock_table_find(table, &key);

    if (other && other->writable) {
        drop_entry(entry, nodes);
        return;
    }
    if (other) {
        unlink_entry(table, other);
        drop_entry(other, nodes);
    }
    node_fd_keep(nodes, entry->fd);
    link_entry(table, entry);
}

bool lock_table_keep(struct lock_table *table, struct node_table *nodes)
{
    struct lock_memory *memory = table->memory;

    if (!memory)
        return true;
    node_fd_keep(nodes, table->memfd);
    memset(table->index, 0, sizeof(*table->index));
    if (memory->end > LOCK_OWNERS_MAX)
        return false;
    for (unsigned i = 0; i < memory->end; i++) {
        struct lock_entry *entry = &memory->entries[i];

        if (entry->state == ENTRY_FREE)
            continue;
        if ((entry->state != ENTRY_IN_USE && entry->state != ENTRY_CLOSING) ||
            entry->check != check_of_entry(entry))
            return false;
        if (entry->state == ENTRY_IN_USE)
            keep_entry(table, entry, nodes);
        else
            drop_entry(entry, nodes);
    }
    return true;
}

uint64_t lock_table_number(struct lock_table *table)
{
    return ++table->memory->opens;
}

unsigned lock_table_count(const struct lock_table *table)
{
    return table->index->count;
}

unsigned lock_table_count_of(const struct lock_table *table, uint32_t user)
{
    unsigned count = 0;

    for (unsigned i = 0; i < table->memory->end; i++) {
        const struct lock_entry *entry = &table->memory->entries[i];

        count += entry->state == ENTRY_IN_USE && entry->user == user;
    }
    return count;
}

static struct lock_entry *find_free(struct lock_table *table)
{
    struct lock_memory *memory = table->memory;
    unsigned place = table->index->lowest;

    while (place < LOCK_OWNERS_MAX && memory->entries[place].state != ENTRY_FREE)
        place++;
    table->index->lowest = place;
    if (place == LOCK_OWNERS_MAX)
        return NULL;
    if (memory->end <= place)
        memory->end = place + 1;
    return &memory->entries[place];
}

struct lock_entry *lock_table_add(struct lock_table *table, const struct lock_entry *filled,
                                  struct node_table *nodes)
{
    struct lock_entry *entry = find_free(table);

    if (!entry)
        return NULL;
    memcpy(&entry->fd, &filled->fd, sizeof(*entry) - offsetof(struct lock_entry, fd));
    entry->check = check_of_entry(entry);
    // From here on the next process keeps the descriptor, if this one dies.
    set_entry_state(entry, ENTRY_IN_USE);
    node_fd_keep(nodes, entry->fd);
    link_entry(table, entry);
    return entry;
}

int lock_table_remove(struct lock_table *table, struct lock_entry *entry, struct node_table *nodes)
{
    int fd = entry->fd;

    unlink_entry(table, entry);
    set_entry_state(entry, ENTRY_CLOSING);
    node_fd_drop(nodes, fd);
    // From here on the number is nobody's.
    set_entry_state(entry, ENTRY_FREE);
    return fd;
}
