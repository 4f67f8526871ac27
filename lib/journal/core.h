// SPDX-License-Identifier: BSD-2-Clause
/*
 * The declarations that the parts of the journal share.
 *
 * Order of locks: `applying`, an object's, `group`, `lock`. The one who leads a commit holds
 * several objects'; nobody else holds one while waiting for another, or for a commit. `lock` is
 * not held across a sync.
 */
#ifndef SHMAP_JOURNAL_CORE_H
#define SHMAP_JOURNAL_CORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include "lib/journal/journal.h"
#include "lib/object/object.h"
#include "lib/redo/blocks.h"
#include "lib/redo/extent_map.h"
#include "lib/redo/format.h"
#include "lib/redo/half.h"

/* From the uppermost on; below the last one is the store's file. */
enum layer_kind {
    LAYER_UNCOMMITTED,
    LAYER_COMMITTED,
    LAYER_APPLYING,
    LAYERS,
};

struct layer {
    struct extent_map map;
    bool changed; // it differs from what is below
    uint64_t size;
    int64_t mtime;
};

struct journal_object {
    RB_ENTRY(journal_object) by_identity;
    RB_ENTRY(journal_object) by_number;
    struct journal *journal;
    uint64_t number;
    uint64_t inode;
    uint64_t birth;
    struct object_handle handle;
    bool spills;

    // Guarded by the journal's lock.
    unsigned references;
    bool logged;    // the current generation knows the number
    bool in_next;   // so does the next one, which is being written: it gets all records, too
    bool forgotten; // it is not to be found any more

    pthread_rwlock_t lock; // guards the rest
    struct layer layers[LAYERS];
    bool relog;           // records of uncommitted pages may have wrong checksums, or be missing
    uint64_t last_commit; // its number; 0: none yet
    // Changed with the lock, and read without it.
    atomic_bool live; // a layer is changed
    atomic_bool metadata;

    bool applied; // all that is being applied is in the store; guarded by `applying`
    bool damaged; // a replay has found a commit whose data is not whole
};

RB_HEAD(identity_tree, journal_object);
RB_HEAD(number_tree, journal_object);

/* One call of journal_commit() that waits. */
struct commit_wait {
    STAILQ_ENTRY(commit_wait) next;
    struct journal_object *const *objects;
    size_t count;
    int error;
    bool done;
};

enum pool {
    POOL_JOURNAL,
    POOL_SPILL,
    POOLS,
};

struct journal {
    int store;
    struct journal_options options;
    uint64_t limit; // of data, in blocks
    bool replaying;

    pthread_mutex_t lock; // guards the following
    int fd;               // of the file; -1: there is none
    struct half current;
    struct half next;
    bool turning; // `next` is being written
    int turn_error;
    struct blocks pools[POOLS];
    struct identity_tree identities; // those that can be found
    struct number_tree numbers;      // all
    uint64_t last_number;
    bool forgot;      // committed data since the generation began
    uint64_t commits; // number of the last one
    uint64_t inherited_commits;
    bool unsynced;       // something is left from the worker before
    uint64_t last_use;   // CLOCK_MONOTONIC, in nanoseconds
    int64_t last_commit; // CLOCK_REALTIME, likewise
    uint64_t applies;
    int apply_error;
    uint64_t last_apply;      // CLOCK_MONOTONIC, in nanoseconds
    uint64_t applied_commits; // how many commits there were then
    uint64_t left;            // blocks that it has left, and that nobody has committed since
    uint64_t turned_end;      // bytes of records when the generation began
    uint64_t large;           // the store has files of this size
    uint64_t point;           // 0: nobody has one
    uint64_t point_end;       // CLOCK_MONOTONIC, in nanoseconds; when it ends by itself
    unsigned point_rank;

    atomic_uint_fast64_t synced; // the last commit that is on disk
    atomic_int error;            // why commits fail
    atomic_int commit_error;     // of the last one

    pthread_mutex_t applying; // one applies

    pthread_mutex_t group; // guards the following
    pthread_cond_t committed;
    STAILQ_HEAD(, commit_wait) waits;
    bool led;
};

/* object.c: the objects of a journal. */

struct journal_object *object_new(struct journal *journal, uint64_t inode, uint64_t birth);
void object_free(struct journal_object *object);
struct journal_object *object_by_number(struct journal *journal, uint64_t number);
struct journal_object *object_by_identity(struct journal *journal, uint64_t inode, uint64_t birth);
/* The caller has the journal's lock. */
void object_insert(struct journal_object *object);
void identity_remove(struct journal_object *object);
void object_settle(struct journal_object *object);
/* To be called with the object's lock when a layer has changed. */
void object_update_live(struct journal_object *object);
/* Notes that it changed just now. */
void object_modified(struct journal_object *object);
/* Takes a reference of each object, which journal_leave() gives back. Returns how many, and an
 * array for free(); -ENOMEM. */
ssize_t object_hold_all(struct journal *journal, struct journal_object ***objects);
/* Frees all. Nobody has one. */
void object_free_all(struct journal *journal);
/* There is no next generation any more. The caller has the journal's lock. */
void object_leave_next(struct journal *journal);

/* room.c: blocks and records. */

/* Returns 0 or a negative errno, and then there is no file. The journal's lock is taken. */
int room_ready(struct journal *journal);
/* The blocks of one pool that a block's number tells. */
struct blocks *room_pool(struct journal *journal, uint64_t block);
/* Writes and reads blocks that follow each other, all of one pool. Return 0 or a negative errno. */
int room_write(struct journal *journal, uint64_t block, uint64_t pages, const void *data);
int room_read(struct journal *journal, uint64_t block, uint64_t pages, void *data);
/* Takes up to `wanted` blocks in a row. Returns how many; 0: no memory. */
uint64_t room_take(struct journal *journal, enum pool pool, uint64_t wanted, uint64_t *block);
void room_give(struct journal *journal, uint64_t block, uint64_t pages);
/* The fate of the blocks that a change of a layer replaces. The context is the object. */
void room_release_uncommitted(void *context, uint64_t block, uint64_t pages);
void room_release_sealed(void *context, uint64_t block, uint64_t pages);
void room_set_checksums(struct journal *journal, uint64_t block, uint64_t pages,
                        const uint64_t *checksums);
/* Appends records of one object, and what names it before. Returns 0 or a negative errno, and then
 * none of them counts. When the disk fails, they are left out, and all is well but for commits. */
int room_append(struct journal_object *object, struct records *records);
/* The disk of the journal has failed. */
void room_fail(struct journal *journal, int error);
/* Brings all that was written to the disk. Returns 0 or a negative errno, and then the journal has
 * failed. */
int room_sync(struct journal *journal);
/* Adds what names an object, and a record for each extent of a map. */
void room_describe(struct journal_object *object, struct records *records);
void room_describe_map(struct journal_object *object, const struct extent_map *map,
                       const struct record_state *state, struct records *records);
struct record_state record_state_of(const struct journal_object *object, enum layer_kind layer);

/* overlay.c: what an object has at a place. */

struct segment {
    enum { SEGMENT_ZEROS, SEGMENT_BLOCKS, SEGMENT_STORE } kind;
    uint64_t pages;
    uint64_t block;
};

/* Finds out where up to `pages` pages from `page` on are, looking from a layer downward. The caller
 * has the object's lock. */
struct segment overlay_find(const struct journal_object *object, enum layer_kind layer,
                            uint64_t page, uint64_t pages);
/* Reads what is before the end, from a layer downward. Likewise. Returns 0 or a negative errno. */
int overlay_read(const struct journal_object *object, enum layer_kind layer, int fd, void *data,
                 size_t size, uint64_t offset);
/* Finds data or a hole in so many bytes. Likewise. Returns the offset, or -ENXIO. */
off_t overlay_seek(const struct journal_object *object, enum layer_kind layer, int fd,
                   uint64_t offset, uint64_t size, int whence);
/* Reads one page, with zeros beyond the end. Likewise. Returns 0 or a negative errno. */
int overlay_read_page(const struct journal_object *object, int fd, uint64_t page, void *data);

/* place.c: pages get blocks. */

#define PLACE_PAGES 256U

/* Writes up to PLACE_PAGES uncommitted pages. `to_journal`: not to the spill file. `size` is that
 * of the object afterwards. The caller has the object's lock for writing. Returns 0 or a negative
 * errno. */
int place_pages(struct journal_object *object, uint64_t page, uint64_t pages, const void *data,
                bool to_journal, uint64_t size);

/* Pages that are in blocks of the journal, and of which no record tells yet. */
struct placed {
    uint64_t page;
    uint64_t pages;
    uint64_t block;
    uint64_t checksums[PLACE_PAGES];
};

/* Writes pages to fresh blocks before the object is locked, so that several threads can do so at a
 * time. Returns false if place_pages() is to do it: some have uncommitted blocks already, or there
 * is no room. */
bool place_ahead(struct journal_object *object, uint64_t page, uint64_t pages, const void *data,
                 struct placed *placed);
/* Enters such pages as uncommitted. `size` is that of the object afterwards. The caller has the
 * object's lock for writing. Returns 0 or a negative errno, and then the blocks are free. */
int place_enter(struct journal_object *object, const struct placed *placed, uint64_t size);

/* Moves up to `most` spilled pages into the journal. Returns how many, or a negative errno. */
ssize_t place_unspill(struct journal_object *object, uint64_t most);

/* apply.c, turn.c */

/* Writes the layer that is being applied to the store's file. Returns 0 or a negative errno;
 * -ESTALE: there is no such file any more. */
int apply_object(struct journal_object *object, int fd);
/* Writes a new generation with all that is live. The caller has `applying`. Returns 0 or a negative
 * errno. */
int turn_over(struct journal *journal);
/* Applies if there is no room for so many pages otherwise. No lock is held. */
void apply_for_room(struct journal *journal, uint64_t pages);
/* Returns whether an apply gives back enough for so many pages more. The caller has the journal's
 * lock. */
bool apply_pays(const struct journal *journal, uint64_t pages);
/* Applies. The caller has `applying`. */
int apply_locked(struct journal *journal);
/* All that is committed is to be applied next. Returns 0 or a negative errno, and then some of
 * it. */
int apply_begin(struct journal_object **objects, size_t count);
/* Only what is on the journal's disk may go to the store, or to anybody else. */
int apply_sync_commits(struct journal *journal);

/* point.c: whether somebody has a point, which ends here if its time is over. The caller has the
 * journal's lock. */
bool point_is_held(struct journal *journal);

/* opening.c */

/* The file's descriptor; -1: there is none yet. */
int journal_file(struct journal *journal);
/* All up to a commit is on disk. */
void journal_note_synced(struct journal *journal, uint64_t number);
uint64_t journal_now(void);
int64_t journal_time(void);
struct journal *journal_new(int store, const struct journal_options *options);
void journal_free(struct journal *journal);

#endif
