// SPDX-License-Identifier: BSD-2-Clause
/*
 * The node table: every file, directory, symlink … that the kernel has looked up and not forgotten.
 *
 * Nodes are slots of fixed size in one shared mapping, found by index or by hash and never moved.
 * No slot holds a pointer, so that another process can map the same memory and go on with the
 * table. All costs are constant; a slot is 128 bytes. One process at a time works on it.
 *
 * State that the kernel counts on survives a process. Every call is all or nothing, also when the
 * process is killed in the middle of it: its changes are undone when the next process attaches
 * (fs/nodes/undo_log.c). Nothing that is read from the memory is believed without a check; where a
 * check fails, table->corrupt() is called, which does not return.
 *
 * A node id, as the kernel knows it, is the slot's index with the slot's generation above it, so
 * that an id that was forgotten never names the next user of the slot. The kernel demands id 1 for
 * the root: slot 1, generation 0.
 *
 * A slot stays in use while anything counts on it: lookups (the kernel's), opens (open handles) or
 * users (requests being served). A node holds
 *   - a path descriptor (O_PATH): a cache with a bound where the node can be opened again by its
 *     file handle; otherwise, and while no name leads to the node any more, it is kept as long as
 *     the node;
 *   - a backing id: cached likewise, but never given up while the file is open, because the kernel
 *     wants one id for all opens;
 *   - an I/O descriptor, shared by all opens that need the daemon to reach the contents. A class
 *     root is a directory and has no contents in this sense: there the path descriptor of the store
 *     directory behind it takes this place.
 *
 * Uses are in private memory: they end with their process, and attaching frees the nodes that
 * nothing else counted on.
 *
 * The table knows the owner of each descriptor number (fs/nodes/node_fd.h). A backing id that was
 * taken off a node is pending until the caller says that it is closed.
 *
 * A ledger notes what one request has taken that the kernel does not know of yet: lookups, an open,
 * a directory stream. Each entry is made in the same call as the thing that it notes. So after a
 * death each of them is taken back, once, before the request is carried out again. A thread that
 * serves requests has a ledger of its own; without one (NULL) nothing is noted.
 *
 * Locking: one mutex guards the table and the private memory. Functions take it themselves; none
 * calls out while holding it, except to table->corrupt. A call returns what it takes off a node for
 * the caller to close (struct node_resources).
 */
#ifndef SHMAPFS_NODE_TABLE_H
#define SHMAPFS_NODE_TABLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/util/lock.h"

#define NODE_ROOT_ID    UINT64_C(1)
#define NODE_HANDLE_MAX 44

#define NODE_CAPACITY_MAX ((1U << 24) - 2)
#define NODE_FD_MAX       (1 << 20) // all numbers of descriptors are below it

#define NODE_LEDGERS        16
#define NODE_LEDGER_LOOKUPS 8192 // more than the entries of a full reply to READDIRPLUS

/* The identity of a node: two lookups with the same key have found the same node. */
struct node_key {
    uint64_t ino;   // in the tree where the name is
    uint64_t birth; // tells apart the users of an inode number that is used again
    uint8_t tree;   // the tree where the name is
};

/* The way to open a node again: a file handle; or, where there are none, its only name, as the node
 * id of its directory and the name in it. */
struct node_handle {
    uint16_t type;  // NODE_BY_NAME, or the type of the file handle
    uint8_t length; // 0: the node cannot be opened again
    uint8_t bytes[NODE_HANDLE_MAX];
};
#define NODE_BY_NAME UINT16_MAX

/* The facts that a lookup knows about a node, which the table may not have yet. */
struct node_seed {
    struct node_key key;
    struct node_handle handle;
    uint8_t area; // the tree where the contents are; differs from key.tree at a class root
    uint8_t class;
    uint8_t type; // S_IFMT >> 12
    uint16_t flags;
    uint16_t policy; // the class makes something of it; the last lookup counts
};

enum node_flag {
    NODE_UNLINKED = 1 << 0,     // no name leads to the node any more
    NODE_CLASS_ROOT = 1 << 1,   // path_fd is the directory of contents, io_fd that of its name
    NODE_MAYBE_MAPPED = 1 << 2, // was open for writing by passthrough: mappings may write to it
    NODE_ATTR_CACHED = 1 << 3,  // the kernel was told that it may keep the attributes
    NODE_IO_WRITABLE = 1 << 4,  // io_fd can write
    NODE_IO_READABLE = 1 << 5,  // io_fd can read
    NODE_WITHOUT_CAPABILITY = 1 << 6, // was made without capabilities, and has not been given any
    NODE_HANDLE_LASTS = 1 << 7,       // opens even without a name, while anything keeps the object
    NODE_DATA_LOST = 1 << 8,   // stores through a mapping found no room: holes may have had data
    NODE_LAST_CLOSE = 1 << 9,  // the file goes with its last user; a directory: those made in it do
    NODE_GONE = 1 << 10,       // it went so
    NODE_CACHED = 1 << 11,     // goes without passthrough until the last close: could not be had
    NODE_TAKEN_BACK = 1 << 12, // the kernel may have the size of what was not committed, and went
    NODE_CHANGES_CLASS = 1 << 13,    // gets another class when nobody uses it
    NODE_BELOW_ATOMIC = 1 << 14,     // its directory is of that class: a file may have another
    NODE_BELOW_CHECKPOINT = 1 << 15, // likewise
};

/* Resources that a node holds and that system calls have to close. */
struct node_resources {
    int32_t path_fd;
    int32_t io_fd;
    int32_t backing_id; // 0: none
    bool orphan;        // the node is freed, and had no name: the caller owes node_orphan_gone()
};
#define NODE_NO_RESOURCES ((struct node_resources){ .path_fd = -1, .io_fd = -1 })

/* Structures in the shared memory (fs/nodes/node_slot.h); and a process's own counts of a node's
 * requests, and of what a user pins. */
struct node;
struct node_header;
struct node_ledger;
struct node_memory;
struct node_use;
struct node_payer;

#define NODE_EDITS_MAX 64

/* An object that the call under way has changed, for the undo log. */
struct node_edit {
    const void *object;
    uint32_t bytes;
};

/* A node table in a process. `corrupt` is set before the table is created or attached, and must not
 * return. The rest is the table's own. The structure must not be moved. */
struct node_table {
    void (*corrupt)(void *argument, const char *what);
    void *corrupt_argument;
    const struct node_memory *memory; // the shared mapping; only edits write to it
    const struct node_header *header;
    const uint32_t *buckets;
    const struct node *slots;
    uint64_t bytes;
    int memfd;
    uint32_t capacity;   // slots, including slot 0, which stands for none
    uint32_t cached_max; // like the capacity, as it was at creation
    struct lock lock;
    struct node_use *uses;     // one for each slot
    struct node_payer *payers; // a hash table of what users pin
    uint32_t payers_size, payers_used;
    uint32_t pinned;     // by all of them
    uint32_t promotions; // moves to the new end of the cache's list
    uint32_t closing;    // freed nodes without a name, until what they held is closed
    uint32_t undo_log_used;
    unsigned edit_count;
    struct node_edit edits[NODE_EDITS_MAX];
};

/* A node while a request works on it, as it was when the use began. */
struct node_ref {
    const struct node *node; // NULL: none
    uint64_t id;
    uint64_t ino;
    uint64_t birth;
    struct node_resources held; // path_fd is -1 when `handle` has to be used to open it
    struct node_handle handle;  // only then
    uint32_t writers;
    uint32_t opens;
    uint16_t flags;
    uint16_t policy;
    uint8_t tree, area, class, type;
};

struct node_pinned {
    uint32_t by_user;
    uint32_t all;
};

struct node_counts {
    uint64_t nodes;
    uint64_t opens;
    uint64_t descriptors;
    uint64_t cached_max;
    uint32_t orphans; // nodes without a name, until what they held is closed
    uint32_t closing; // those of them that nobody uses any more
};

/* Makes a table in the memory of a new memfd, which belongs to the mount as node_fd_keep() says.
 * `cached_max` bounds the nodes whose descriptors and backing ids are a cache. Returns 0 or a
 * negative errno; -EINVAL: the capacity is above NODE_CAPACITY_MAX. */
int node_table_create(struct node_table *table, uint32_t capacity, uint32_t cached_max);

/* Attaches the table of a process that has ended, in whatever state it left it: undoes what was
 * half done and frees the nodes that only its requests used. Afterwards the descriptors of these
 * have no owner, and their backing ids are pending. Returns 0 or a negative errno, and then `why`
 * says what is wrong: -EPROTO: the memory is no node table, or another version's; -EUCLEAN: the
 * table is damaged. After an error `memfd` stays the caller's. */
int node_table_attach(struct node_table *table, int memfd, const char **why);

/* Returns the version of the memory's layout that this binary knows. */
uint32_t node_table_layout(void);

/* Unmaps a table; node_table_destroy() also closes its memory. Resources that nodes still hold go
 * with the process. */
void node_table_detach(struct node_table *table);
void node_table_destroy(struct node_table *table);

/* Returns a ledger by its number, below NODE_LEDGERS. */
struct node_ledger *node_ledger(struct node_table *table, unsigned index);

/* Clears a ledger: from now on the kernel knows what was noted. */
void node_ledger_clear(struct node_table *table, struct node_ledger *ledger);

/* Takes back one thing that was noted: a stream, whose descriptor is in leftover->path_fd, an open,
 * or a lookup. If it was an open for writing, the attributes of the file count as cached by the
 * kernel again: the dead process may not have told it to drop them. Returns false if nothing is
 * left. */
bool node_ledger_undo(struct node_table *table, struct node_ledger *ledger,
                      struct node_resources *leftover);

/* Returns how many node_forget() were carried out since the ledger was cleared. Only for its
 * owner. */
uint64_t node_ledger_forgotten(const struct node_table *table, const struct node_ledger *ledger);

/* Finds the node of a key or makes it, and counts a lookup of the kernel and a use. `fd` is its
 * path descriptor. `leftover` receives what the node does not need, and what the cache gives up in
 * exchange. The first node of all becomes the root. Errors, with `fd` in `leftover`: -ENFILE: the
 * table is full; -EOVERFLOW: the ledger is full; -EMFILE: `fd` is not below NODE_FD_MAX. */
int node_claim(struct node_table *table, struct node_ledger *ledger, const struct node_seed *seed,
               int fd, struct node_ref *ref, struct node_resources leftover[2]);

/* Does the same if there is a node of the key. Returns false if not, or if the ledger is full. */
bool node_claim_known(struct node_table *table, struct node_ledger *ledger,
                      const struct node_key *key, struct node_ref *ref);

/* Does as node_claim() for what the daemon itself has found: no lookup is counted, and the node
 * goes with its use, unless it is kept. */
int node_use_object(struct node_table *table, const struct node_seed *seed, int fd,
                    struct node_ref *ref, struct node_resources leftover[2]);

/* Keep a node in use, and let it go: meanwhile it stays although the kernel forgets it and nobody
 * uses it. That pins nothing of what it holds. A process keeps no node of the one before it. */
void node_keep(struct node_table *table, struct node_ref *ref);
void node_let_go(struct node_table *table, uint64_t id, struct node_resources *leftover);

/* Takes back one lookup of an id that the kernel was not told of. */
void node_unlookup(struct node_table *table, struct node_ledger *ledger, uint64_t id,
                   struct node_resources *leftover);

/* Begin a use of the node of an id, or of a key. Return false if there is none. */
bool node_use(struct node_table *table, uint64_t id, struct node_ref *ref);

/* Returns the area of a node's contents; -1: there is no such node. */
int node_area(struct node_table *table, uint64_t id);
bool node_use_key(struct node_table *table, const struct node_key *key, struct node_ref *ref);

/* Gives a node in use the path descriptor that it lacked. Another request may have been faster: use
 * ref->held.path_fd; the rest is in `leftover`. */
void node_lend_path(struct node_table *table, struct node_ref *ref, int fd,
                    struct node_resources leftover[2]);

/* Brings a reference up to date: what the node holds, its flags and writers. */
void node_refresh(struct node_table *table, struct node_ref *ref);

/* Takes what can be made again off the node that was not used for longest. Returns false if there
 * is nothing to take. */
bool node_shed(struct node_table *table, struct node_resources *taken);

/* Ends a use. */
void node_end(struct node_table *table, struct node_ref *ref, struct node_resources *leftover);

/* Begins a use of a node without a name that nobody has any more once the kernel forgets so many
 * lookups. Returns false if an id has no such node. */
bool node_use_last(struct node_table *table, uint64_t id, uint64_t lookups, struct node_ref *ref);

/* Takes back lookups that the kernel forgets. The ledger counts the calls. */
void node_forget(struct node_table *table, struct node_ledger *ledger, uint64_t id,
                 uint64_t lookups, struct node_resources *leftover);

/* Notes that no name leads to a node in use any more. */
void node_unlinked(struct node_table *table, struct node_ref *ref);

/* Returns the handle of a node in use, as it is now. */
void node_handle_now(struct node_table *table, const struct node_ref *ref,
                     struct node_handle *handle);

/* Gives a node in use another handle; after one of length 0 the node keeps its path descriptor. */
void node_set_handle(struct node_table *table, struct node_ref *ref,
                     const struct node_handle *handle);

/* Sets and clears flags of a node in use. Returns the flags that it had before. */
uint16_t node_flags(struct node_table *table, struct node_ref *ref, uint16_t set, uint16_t clear);

/* Sets flags unless the node is open for writing, or has one of the flags `unless`. Returns whether
 * it did. */
bool node_flags_unless_writers(struct node_table *table, struct node_ref *ref, uint16_t set,
                               uint16_t unless);

/* Turn a directory in use into the class root whose contents are at `contents_fd`, or back into a
 * plain one of the given area and class. An old contents descriptor keeps its number until the node
 * ends: a request may be using it. */
void node_become_class_root(struct node_table *table, struct node_ref *ref, uint8_t area,
                            uint8_t class, int contents_fd);
void node_become_plain(struct node_table *table, struct node_ref *ref, uint8_t area, uint8_t class);
/* Gives a node in use that is no class root another class, or policy. */
void node_set_class(struct node_table *table, struct node_ref *ref, uint8_t class);
void node_set_policy(struct node_table *table, struct node_ref *ref, uint16_t policy);
/* Returns the class of a node; -1: there is no such node. */
int node_class(struct node_table *table, uint64_t id);

/* Moves the contents of a class root in use, which are empty, to another area. */
void node_move_contents(struct node_table *table, struct node_ref *ref, uint8_t area,
                        int contents_fd);

/* Finds out which areas have nodes, by their indices. Others get the lock in between: what is found
 * of an area in which no node begins any more is true. */
#define NODE_AREAS_MAX 256
void node_find_areas(struct node_table *table, bool found[NODE_AREAS_MAX]);

/* Counts an open of a node in use; a ledger notes one at most. `set` and `clear` are flags of the
 * node. Returns the flags that it had before. */
uint16_t node_open(struct node_table *table, struct node_ledger *ledger, struct node_ref *ref,
                   bool writer, uint16_t set, uint16_t clear, bool readers_need_io);

/* Ends an open. The I/O descriptor goes with the last writer, or with the last open of all where
 * readers need it too. If the ledger has not noted this open, this is a RELEASE, which is carried
 * out only once until the ledger is cleared. */
void node_close(struct node_table *table, struct node_ledger *ledger, struct node_ref *ref,
                bool writer, bool readers_need_io, struct node_resources *leftover);

/* Find a node behind a slot, which they move on (0 is the beginning), that is open for writing, or
 * is open or may be mapped. Return its id; 0: there is none. They lock some slots at a time. */
uint64_t node_next_writer(struct node_table *table, uint32_t *slot);
uint64_t node_next_used(struct node_table *table, uint32_t *slot);

/* Finds a node without a name. Returns its id; 0: there is none. */
uint64_t node_find_orphan(struct node_table *table, const struct node_key *key);

/* Give an open node in use its I/O descriptor or backing id. The caller makes sure that the node
 * has none and that nobody else does the same. */
void node_set_io(struct node_table *table, struct node_ref *ref, int fd, uint16_t flags);
void node_set_backing(struct node_table *table, struct node_ref *ref, int32_t backing_id);

/* Returns the I/O descriptor, safe from being closed until node_io_end(); -1: there is none, and
 * nothing to end. */
int node_io_begin(struct node_table *table, struct node_ref *ref, bool writable);
void node_io_end(struct node_table *table, struct node_ref *ref, bool readers_need_io,
                 struct node_resources *leftover);

/* Takes the I/O descriptor of an open node in use, where that is the only open, no request uses the
 * descriptor, the node has a name, and a backing id by which the kernel has the file open itself.
 * The next descriptor stays, until the node is opened once more. */
void node_io_take(struct node_table *table, struct node_ref *ref, struct node_resources *taken);

/* Returns whether this is called for the first time since a node in use was opened for writing. */
bool node_ask_first(struct node_table *table, struct node_ref *ref);

/* Notes which user pays for the descriptors that a node in use cannot do without from now on,
 * because it is open, has no name or is a class root. Has no effect while somebody pays. */
void node_set_payer(struct node_table *table, struct node_ref *ref, uint32_t user);

/* Returns how many descriptors a user, and all users together, have pinned. The user of a directory
 * stream is not known: it only counts for all. */
struct node_pinned node_pinned(struct node_table *table, uint32_t user);

/* Returns how many errors of writeback were seen on a node. `another` adds one first. */
uint16_t node_io_errors(struct node_table *table, struct node_ref *ref, bool another);

/* Notes that a backing id that was taken off a node is closed. */
void node_backing_closed(struct node_table *table, int32_t id);

/* Lists backing ids that are pending, `max` of them at most. Returns how many it has listed. */
int node_backing_pending_close(struct node_table *table, int32_t ids[], int max);

/* Returns the highest backing id that any node ever had; 0: none had one. */
int32_t node_backing_highest(struct node_table *table);

/* Notes that what an orphan held is closed. */
void node_orphan_gone(struct node_table *table);
struct node_counts node_table_counts(struct node_table *table);

#endif
