// SPDX-License-Identifier: BSD-2-Clause
/*
 * The memory of the node table, and the functions by which the files of the table work on it
 * together. No other file includes this one.
 *
 * Everything that is read has a check of its own: slots, the header and the heads of ledgers a
 * checksum, entries of arrays a byte that follows from the rest. Checksums are made when a call
 * ends, and tested where a slot is reached by its index (slot_at) and when a call begins.
 */
#ifndef SHMAPFS_NODE_SLOT_H
#define SHMAPFS_NODE_SLOT_H

#include <stdatomic.h>
#include <stdnoreturn.h>

#include "fs/nodes/node_table.h"

#define SLOT_NONE 0U
#define SLOT_ROOT 1U

#define TABLE_MAGIC   UINT64_C(0x73686d61706e6f64) // "shmapnod"
#define TABLE_VERSION 2U

#define FIRST_BUCKETS  1024U
#define UNDO_LOG_BYTES 8192U

/* Ids that wait to be closed. Threads close what they took off a node before they take more: at
 * most two ids in a call. */
#define PENDING_CLOSE_MAX  128U
#define PENDING_CLOSE_MANY (PENDING_CLOSE_MAX / 2) // from this count on nothing is evicted

/* The resources of a slot, and in the gap that follows them the user who pays for them. */
struct node_held {
    int32_t path_fd;
    int32_t io_fd;
    int32_t backing_id;
    uint32_t payer; // a user id + 1; 0, as older versions have it: nobody
};

struct node {
    uint32_t checksum;
    uint32_t generation;
    uint64_t ino; // constant while in use, like birth and tree
    uint64_t birth;
    uint64_t lookups; // of the kernel
    uint32_t opens;   // open handles
    uint32_t writers; // how many of these can write
    uint32_t next;    // in the hash chain, or in the free list
    uint32_t newer;   // neighbours in the cache's list
    uint32_t older;
    struct node_held held;
    uint16_t flags;
    uint16_t io_errors;
    uint8_t in_use, in_cache;
    uint8_t tree, area, class, type;
    struct node_handle handle;
    uint16_t policy; // as struct node_seed has it; 0 in older versions
};

_Static_assert(sizeof(struct node) == 128, "a slot is two cache lines");
_Static_assert(sizeof(struct node_held) == sizeof(struct node_resources), "the layout stays");

static inline struct node_resources resources_of(const struct node *node)
{
    return (struct node_resources){ .path_fd = node->held.path_fd,
                                    .io_fd = node->held.io_fd,
                                    .backing_id = node->held.backing_id };
}

/* The layout: what never changes in a table. */
struct node_layout {
    uint32_t checksum;
    uint32_t version;
    uint64_t magic;
    uint64_t bytes; // of the whole memory
    uint32_t capacity;
    uint32_t cached_max;
    uint32_t memory_bytes; // sizes of the structures
    uint32_t slot_bytes;
};

enum owner {
    OWNER_NOBODY,
    OWNER_MOUNT,
    OWNER_NODE,
    OWNER_STREAM,
    OWNERS,
};

struct node_header {
    uint32_t checksum;
    uint32_t fresh; // the first slot that was never used
    uint32_t free;  // the first of the free list
    uint32_t nodes;
    uint32_t split; // linear hashing: buckets below this one are already split in two
    uint32_t mask;
    uint32_t rest;           // nodes of a bucket that is being split, which are in no bucket yet
    uint32_t newest, oldest; // ends of the cache's list
    uint32_t cached;
    uint32_t unlinked;      // nodes without a name
    uint32_t idle;          // nodes without lookups and opens: only requests use them
    uint32_t owned[OWNERS]; // how many descriptors each kind of owner has
    uint32_t fds_end;       // above every descriptor that ever had an owner
    uint32_t pending_close; // how many entries that array has
    int32_t highest_backing;
    uint32_t reserved;
    uint64_t opens;
};

/* Entries of arrays are words: a slot in the lower 24 bits, then 8 bits for the check, then 32
 * bits, which are the generation of an id, a backing id, or a descriptor's owner and generation. */
struct ledger_head {
    uint32_t checksum;
    uint32_t lookups; // how many entries that array has
    uint64_t forgotten;
    uint64_t opened; // a node id; 0: none
    uint64_t stream; // a stream's handle; NODE_STREAM_NONE: none
    uint8_t writer, readers_need_io;
    uint8_t released;
    uint8_t reserved[5];
};

struct node_ledger {
    struct ledger_head head;
    uint64_t lookups[NODE_LEDGER_LOOKUPS];
};

struct node_undo_log {
    _Atomic uint64_t used; // a number of bytes, with its complement in the upper half
    uint8_t entries[UNDO_LOG_BYTES];
};

/* The beginning of the memory. Buckets and slots follow, each from the start of a page. */
struct node_memory {
    struct node_layout layout;
    struct node_header header;
    struct node_undo_log undo_log;
    uint64_t pending_close[PENDING_CLOSE_MAX];
    struct node_ledger ledgers[NODE_LEDGERS];
    uint64_t owners[NODE_FD_MAX];
};

_Static_assert(sizeof(struct node_layout) % 8 == 0 && sizeof(struct node_header) % 8 == 0 &&
                   sizeof(struct ledger_head) % 8 == 0,
               "checksums are made of words");

struct node_use {
    uint16_t users; // requests being served
    // Of these, the ones that use io_fd without an open handle of their own.
    uint16_t io_users : 13;
    uint16_t io_stays : 1; // see node_io_take()
    uint16_t asked : 1;    // see node_ask_first()
    uint16_t kept : 1;     // see node_keep()
    uint32_t promoted;     // table->promotions when the node came to the new end of the list
    uint32_t payer;        // what the slot said when the node was last counted,
    uint32_t pinned;       // with so many descriptors
};

/* node_check.c: damage ends the mount. */

noreturn void table_corrupt(const struct node_table *table, const char *what);

/* Tells whether the call under way has asked to change an object. */
bool is_edited(const struct node_table *table, const void *object);

uint32_t checksum_of(const struct node_table *table, const void *object, uint32_t bytes);

/* Tests the checksum of an object that the call under way has not changed. */
void check_object(const struct node_table *table, const void *object, uint32_t bytes,
                  const char *complaint);

/* Returns the slot of an index that was read from the memory. */
const struct node *slot_at(const struct node_table *table, uint32_t slot);

/* Return the node of an id, or NULL if there is none; and the node of a use. */
const struct node *node_of(const struct node_table *table, uint64_t id);
const struct node *node_in_use(const struct node_table *table, const struct node_ref *ref);

static inline uint32_t slot_of(const struct node_table *table, const struct node *node)
{
    return (uint32_t)(node - table->slots);
}

static inline uint64_t id_of(const struct node_table *table, const struct node *node)
{
    return (uint64_t)node->generation << 32 | slot_of(table, node);
}

static inline struct node_use *use_of(struct node_table *table, const struct node *node)
{
    return &table->uses[slot_of(table, node)];
}

/* Combines all bytes of a number into one: a change of any single one of them shows. */
static inline uint8_t fold(uint64_t word)
{
    word ^= word >> 32;
    word ^= word >> 16;
    word ^= word >> 8;
    return (uint8_t)word;
}

static inline uint64_t make_word(uint32_t upper, uint32_t slot)
{
    uint64_t word = (uint64_t)upper << 32 | slot;

    return word | (uint64_t)fold(word) << 24;
}

static inline uint32_t word_slot(uint64_t word)
{
    return (uint32_t)word & 0xffffff;
}

static inline uint32_t word_upper(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

/* Reads an entry of an array. */
uint64_t word_at(const struct node_table *table, const uint64_t *word, const char *complaint);

/* undo_log.c: the one way to change the memory. */

/* Begin a call, with the lock taken; make its changes last, all at once; and do that and unlock. */
void table_begin(struct node_table *table);
void table_commit(struct node_table *table);
void table_end(struct node_table *table);

/* Makes the first, empty undo log. */
void undo_log_clear(struct node_table *table);

/* Undoes the changes of a call that did not come to its end. */
void undo_log_roll_back(struct node_table *table);

struct node *edit_slot(struct node_table *table, const struct node *node);
struct node_header *edit_header(struct node_table *table);
struct ledger_head *edit_ledger(struct node_table *table, const struct node_ledger *ledger);
void edit_word(struct node_table *table, const uint64_t *word, uint64_t value);
void edit_bucket(struct node_table *table, uint32_t bucket, uint32_t value);

/* The following functions belong between table_begin() and table_end(). */

/* node_hash.c: nodes by their key. */

uint32_t hash_empty_bucket(uint32_t bucket);
const struct node *hash_find(const struct node_table *table, const struct node_key *key);
void hash_insert(struct node_table *table, const struct node *node);
void hash_remove(struct node_table *table, const struct node *node);

/* Splits buckets until there are enough for the nodes; each step is a transaction of its own. */
void hash_grow(struct node_table *table);

/* node_fd.c: the owners of descriptors. */

bool fd_is_possible(int fd);
void fd_check(const struct node_table *table, int fd, const struct node *node);
void fd_own(struct node_table *table, int fd, enum owner owner, uint32_t slot);
void fd_disown(struct node_table *table, int fd, enum owner owner, uint32_t slot);

/* Returns the node that holds a descriptor; NULL: none does. */
const struct node *fd_node(const struct node_table *table, int fd);
bool stream_end(struct node_table *table, uint64_t fh);

/* node_backing.c: backing ids that wait to be closed. */

void backing_add_pending_close(struct node_table *table, int32_t id);
bool backing_many_pending_close(const struct node_table *table);

/* node_ledger.c: what a request has taken. Without a ledger all these functions do nothing. */

const struct ledger_head *ledger_head_of(const struct node_table *table,
                                         const struct node_ledger *ledger);
uint64_t ledger_lookup_at(const struct node_table *table, const struct node_ledger *ledger,
                          uint32_t at);
bool ledger_is_full(const struct node_table *table, const struct node_ledger *ledger);
void ledger_add_lookup(struct node_table *table, struct node_ledger *ledger, uint64_t id);
void ledger_drop_lookup(struct node_table *table, struct node_ledger *ledger, uint64_t id);
void ledger_add_forget(struct node_table *table, struct node_ledger *ledger);
void ledger_add_open(struct node_table *table, struct node_ledger *ledger, uint64_t id, bool writer,
                     bool readers_need_io);
void ledger_add_stream(struct node_table *table, struct node_ledger *ledger, uint64_t fh);
void ledger_drop_stream(struct node_table *table, struct node_ledger *ledger, uint64_t fh);

/* Tells whether an open of a node is to be ended: the ledger has noted that very open, and then
 * notes it no more; or it has ended no other yet. */
bool ledger_may_close(struct node_table *table, struct node_ledger *ledger, uint64_t id);

/* node_open.c: the counts of open files. */

void open_take_back(struct node_table *table, const struct node *open, bool writer,
                    bool readers_need_io, struct node_resources *into);

/* node_cache.c: what nodes hold. These functions add what they take to `into`. */

/* Puts a node at the new end of the cache's list, or takes it out, as what it holds demands. */
void cache_touch(struct node_table *table, const struct node *touched);
void cache_remove(struct node_table *table, const struct node *node);

/* Does the same for a use; may pass over a node that came to the new end not long ago. */
void cache_use(struct node_table *table, const struct node *node);

/* Takes what exceeds the bound off the node that was not used for longest. */
struct node_resources cache_evict(struct node_table *table);

/* Takes one of the two descriptors of a node without a name that nobody uses, if one will do.
 * Returns whether it has taken any. */
bool cache_spare(struct node_table *table, const struct node *node, struct node_resources *into);

/* Take all that a node holds; the I/O descriptor; the backing id. */
void cache_strip(struct node_table *table, const struct node *node, struct node_resources *into);
void cache_take_io(struct node_table *table, const struct node *from, struct node_resources *into);
void cache_take_backing(struct node_table *table, const struct node *node,
                        struct node_resources *into);

/* Returns how many descriptors a node holds that the cache may not take. */
uint32_t cache_pinned(const struct node *node);

/* Gives a node its path descriptor. */
void cache_give_path(struct node_table *table, const struct node *node, int fd);

/* node_payer.c: what users pin. */

/* Brings the counts up to date with a slot, or with all. */
void payer_update(struct node_table *table, const struct node *node);
void payer_recount(struct node_table *table);

/* node.c: the nodes and their counts. */

static inline bool is_idle(const struct node *node)
{
    return node->in_use && node->lookups == 0 && node->opens == 0;
}

/* Fills a reference, whose use is counted. */
void begin_use(struct node_table *table, const struct node *node, struct node_ref *ref);

/* Updates the count of idle nodes after a change to a node. */
void count_idle(struct node_table *table, const struct node *node, bool was_idle);

/* Takes back lookups of an id. */
void take_lookups(struct node_table *table, uint64_t id, uint64_t lookups,
                  struct node_resources *into);

/* Frees a slot that nothing counts on any more. */
void free_if_unused(struct node_table *table, const struct node *unused,
                    struct node_resources *into);

#endif
