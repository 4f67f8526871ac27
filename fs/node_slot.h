// SPDX-License-Identifier: BSD-2-Clause
/* The memory of the node table, shared by node.c (who is there) and node_cache.c (what they hold),
 * and by nobody else. */
#ifndef SHMAPFS_NODE_SLOT_H
#define SHMAPFS_NODE_SLOT_H

#include <pthread.h>

#include "node.h"

#define SLOT_NONE 0U
#define SLOT_ROOT 1U

#define TABLE_MAGIC   UINT64_C(0x73686d61706e6f64) // "shmapnod"
#define TABLE_VERSION 1

struct node {
    uint32_t generation;
    uint32_t next; // in the hash chain, or of the free list
    uint64_t ino;  // constant while in use, like birth and tree
    uint64_t birth;
    uint64_t lookups; // the kernel's
    uint32_t opens;   // open handles
    uint32_t writers; // of these
    uint32_t newer;   // neighbours in the cache's list
    uint32_t older;
    struct node_resources held;
    uint16_t users;    // requests being served
    uint16_t io_users; // of these, the ones that use io_fd without an open handle of their own
    uint16_t flags;
    uint16_t io_errors;
    uint8_t in_use, in_cache;
    uint8_t tree, area, class, type;
    struct node_handle handle;
};

_Static_assert(sizeof(struct node) == 128, "a slot is two cache lines");

struct node_header {
    uint64_t magic;
    uint32_t version;
    uint32_t capacity;
    pthread_mutex_t mutex;
    uint32_t fresh; // the first slot that was never used
    uint32_t free;  // the first of the free list
    uint32_t nodes;
    uint32_t split; // linear hashing: buckets below it are already split in two
    uint32_t mask;
    uint32_t newest, oldest; // ends of the cache's list
    uint32_t cached, cached_max;
    uint64_t opens;
    uint64_t descriptors;
    uint32_t orphans; // nodes without a name, until what they held is closed
};

static inline void table_lock(struct node_table *table)
{
    pthread_mutex_lock(&table->header->mutex);
}

static inline void table_unlock(struct node_table *table)
{
    pthread_mutex_unlock(&table->header->mutex);
}

/* The following want the mutex held. */

/* Puts a node into the cache's list, at its new end, or takes it out, as what it holds demands. */
void cache_touch(struct node_table *table, struct node *node);
void cache_remove(struct node_table *table, struct node *node);

/* Takes what is too much for the bound off the node that was not used for longest. */
struct node_resources cache_evict(struct node_table *table);

/* Takes all that a node holds. */
struct node_resources cache_strip(struct node_table *table, struct node *node);

/* Takes the I/O descriptor if nothing needs it. */
void cache_strip_io(struct node_table *table, struct node *node, bool readers_need_io,
                    struct node_resources *into);

/* Gives a node its path descriptor. */
void cache_give_path(struct node_table *table, struct node *node, int fd);

#endif
