// SPDX-License-Identifier: BSD-2-Clause
/*
 * The node table: every file, directory, symlink … that the kernel has looked up and not forgotten.
 *
 * Nodes are slots of fixed size in one shared mapping, found by index or by hash and never moved,
 * so that a process which maps the same memory can take the table over: no slot holds a pointer.
 * All costs are constant; a slot is 128 bytes.
 *
 * A node id, as the kernel knows it, is the slot's index with the slot's generation above it, so
 * that an id that was forgotten never names the next user of the slot. The kernel demands id 1 for
 * the root: slot 1, generation 0.
 *
 * A slot stays in use while anything counts on it: lookups (the kernel's), opens (open handles) or
 * users (requests being served). What a node holds is
 *   - a path descriptor (O_PATH): a cache with a bound where the node can be opened again by its
 *     file handle; otherwise, and while no name leads to the node any more, it is kept as long as
 *     the node;
 *   - a backing id: cached likewise, but never given up while the file is open, because the kernel
 *     wants one id for all opens;
 *   - an I/O descriptor, shared by all opens that need the daemon to reach the contents. At a class
 *     root, which is a directory and has no contents in this sense, its place is taken by the path
 *     descriptor of the store directory behind it.
 *
 * Locking: one mutex in the table guards every field that is not marked constant. Functions take it
 * themselves; none calls out while holding it. What a call takes off a node is returned for the
 * caller to close (struct node_resources).
 */
#ifndef SHMAPFS_NODE_H
#define SHMAPFS_NODE_H

#include <stdbool.h>
#include <stdint.h>

#define NODE_ROOT_ID    UINT64_C(1)
#define NODE_HANDLE_MAX 44

/* By what two lookups are known to have found the same node. */
struct node_key {
    uint64_t ino;   // in the tree where the name is
    uint64_t birth; // tells an inode number that is used again
    uint8_t tree;   // which tree that is
};

/* How to open it again: by a file handle; or, where there are none, by its only name, a node id and
 * the name below it. */
struct node_handle {
    uint16_t type;  // NODE_BY_NAME, or the file handle's
    uint8_t length; // 0: it cannot be
    uint8_t bytes[NODE_HANDLE_MAX];
};
#define NODE_BY_NAME UINT16_MAX

/* What a lookup knows about a node that the table may not have yet. */
struct node_seed {
    struct node_key key;
    struct node_handle handle;
    uint8_t area; // the tree where the contents are; differs from key.tree at a class root
    uint8_t class;
    uint8_t type; // S_IFMT >> 12
    uint16_t flags;
};

enum node_flag {
    NODE_UNLINKED = 1 << 0, // no name leads to it any more
    NODE_CLASS_ROOT =
        1 << 1, // path_fd is the directory of contents, io_fd the store directory behind it
    NODE_MAYBE_MAPPED =
        1 << 2, // was open for writing through passthrough: mappings may still store into it
    NODE_ATTR_CACHED = 1 << 3, // the kernel was told that it may keep the attributes
    NODE_IO_WRITABLE = 1 << 4, // io_fd can write
    NODE_IO_READABLE = 1 << 5, // io_fd can read
};

/* What hangs on a node and has to be closed by system calls. */
struct node_resources {
    int32_t path_fd;
    int32_t io_fd;
    int32_t backing_id; // 0: none
    bool orphan;        // the node is freed, and had no name: node_orphan_gone() is due afterwards
};
#define NODE_NO_RESOURCES ((struct node_resources){ .path_fd = -1, .io_fd = -1 })

struct node;
struct node_header;

struct node_table {
    struct node_header *header;
    struct node *slots;
    uint32_t *buckets;
    uint64_t bytes;
    int memfd;
};

/* A node while a request works on it, as it was when the use began. */
struct node_ref {
    struct node *node; // NULL: none
    uint64_t id;
    uint64_t ino;
    uint64_t birth;
    struct node_resources held; // path_fd is -1 when it has to be opened by `handle`
    struct node_handle handle;  // only then
    uint32_t writers;
    uint16_t flags;
    uint8_t tree, area, class, type;
};

struct node_counts {
    uint64_t nodes;
    uint64_t opens;
    uint64_t descriptors;
    uint64_t cached_max;
    uint32_t orphans; // nodes without a name, until what they held is closed
};

/* Makes a table in the memory of a new memfd. `cached_max` bounds the nodes whose descriptors and
 * backing ids are a cache. Returns 0 or a negative errno. */
int node_table_create(struct node_table *table, uint32_t capacity, uint32_t cached_max);

/* Unmaps it. Resources that nodes still hold go with the process. */
void node_table_destroy(struct node_table *table);

/* Finds the node of a key or makes it, and counts a lookup of the kernel and a use. `fd` is its
 * path descriptor; what the node does not need of it, and what the cache gives up in exchange, is
 * in `leftover`. -ENFILE: the table is full, and `fd` is in `leftover`. The first node of all
 * becomes the root. */
int node_claim(struct node_table *table, const struct node_seed *seed, int fd, struct node_ref *ref,
               struct node_resources leftover[2]);

/* Begins a use of the node of an id, or of a key. false: there is none. */
bool node_use(struct node_table *table, uint64_t id, struct node_ref *ref);
bool node_use_key(struct node_table *table, const struct node_key *key, struct node_ref *ref);

/* Gives a node in use the path descriptor that it lacked. Another request may have been faster:
 * ref->held.path_fd is the one to use, and the rest is in `leftover`. */
void node_lend_path(struct node_table *table, struct node_ref *ref, int fd,
                    struct node_resources leftover[2]);

/* Brings a node in use up to date: what it holds, its flags and writers. */
void node_refresh(struct node_table *table, struct node_ref *ref);

/* Takes what can be had again off the node that was not used for longest. false: there is nothing.
 * */
bool node_shed(struct node_table *table, struct node_resources *taken);

/* Ends a use. */
void node_end(struct node_table *table, struct node_ref *ref, struct node_resources *leftover);

/* The kernel forgets `lookups` lookups of an id. */
void node_forget(struct node_table *table, uint64_t id, uint64_t lookups,
                 struct node_resources *leftover);

/* No name leads to a node in use any more. */
void node_unlinked(struct node_table *table, struct node_ref *ref, struct node_resources *leftover);

/* The handle of a node in use, as it is now. */
void node_handle_now(struct node_table *table, const struct node_ref *ref,
                     struct node_handle *handle);

/* Gives a node in use another handle; with one of length 0 it keeps its path descriptor from now
 * on. */
void node_set_handle(struct node_table *table, struct node_ref *ref,
                     const struct node_handle *handle);

/* Sets and clears flags of a node in use; returns what they were before. */
uint16_t node_flags(struct node_table *table, struct node_ref *ref, uint16_t set, uint16_t clear);

/* Sets flags unless the node is open for writing, or has one of the flags `unless`; returns whether
 * it did. */
bool node_flags_unless_writers(struct node_table *table, struct node_ref *ref, uint16_t set,
                               uint16_t unless);

/* Turns a directory in use into the class root whose contents are at `contents_fd`, or back into a
 * plain one of the given area and class (-1). An old contents descriptor keeps its number until the
 * node ends: a request may be using it. */
void node_become_class_root(struct node_table *table, struct node_ref *ref, uint8_t area,
                            uint8_t class, int contents_fd);
void node_become_plain(struct node_table *table, struct node_ref *ref, uint8_t area, uint8_t class);

/* Counts an open of a node in use, and its end. `set` are flags for the node; the flags that it had
 * before are returned. At the end the I/O descriptor goes with the last writer, or with the last
 * open of all where readers need it too. */
uint16_t node_open(struct node_table *table, struct node_ref *ref, bool writer, uint16_t set,
                   uint16_t clear);
void node_close(struct node_table *table, struct node_ref *ref, bool writer, bool readers_need_io,
                struct node_resources *leftover);

/* A node in use, and open, gets its I/O descriptor or backing id. The caller sees to it that it has
 * none and that nobody else does the same. */
void node_set_io(struct node_table *table, struct node_ref *ref, int fd, uint16_t flags);
void node_set_backing(struct node_table *table, struct node_ref *ref, int32_t backing_id);

/* The I/O descriptor, safe from being closed until the end; -1: there is none, and nothing to end.
 * */
int node_io_begin(struct node_table *table, struct node_ref *ref, bool writable);
void node_io_end(struct node_table *table, struct node_ref *ref, bool readers_need_io,
                 struct node_resources *leftover);

/* The errors of writeback that were seen on a node: their number, which may also be increased. */
uint16_t node_io_errors(struct node_table *table, struct node_ref *ref, bool another);

/* What an orphan held is closed. */
void node_orphan_gone(struct node_table *table);

struct node_counts node_table_counts(struct node_table *table);

#endif
