// SPDX-License-Identifier: BSD-2-Clause
/*
 * The volume: what all requests of a mount share, its areas and its nodes. The modules above keep
 * their own state, each with its lock; the volume has only the pointers to it.
 */
#ifndef SHMAPFS_VOLUME_H
#define SHMAPFS_VOLUME_H

#include <fuse_lowlevel.h>

#include "fs/nodes/node_table.h"
#include "fs/state/area_table.h"
#include "fs/state/parking.h"
#include "fs/state/request.h"
#include "fs/state/state.h"
#include "fs/util/lock.h"
#include "fs/util/memory_guard.h"

#define VOLUME_STRIPES 64

/* Longer than anybody looks at a name without another reason to ask again. */
#define TIMEOUT_DEFAULT 86400

struct volume {
    struct mount_info info;
    struct state *state;
    struct parking parking;
    struct area_table areas; // those beside info.areas
    struct node_table nodes;
    struct fuse_session *session;
    const struct class *const *classes; // by their enum shmap_class

    // Held while something about one node is settled that takes system calls: its backing id, its
    // I/O descriptor, whether it is mapped. The node id selects the stripe; no thread holds two at
    // once.
    struct lock stripes[VOLUME_STRIPES];
    // Held while options of the mount change, or are asked for, which tries some (live_options.c).
    struct lock options;
    // Held while a class root is entered, made or dropped.
    struct lock class_roots;
    // Held while entries of `areas` change, or all are looked at: never while a disk is waited for.
    struct lock own_areas;
    // Held while directories of a skeleton change, together with their mirror (fs/class/mirror.h),
    // and while the contents of a scratch directory are made on the way to it (fs/class/scratch.c).
    struct lock mirrors;
    // Held for reading while a file's name in RAM goes or becomes another's, where files may have a
    // lifetime of their own, and for writing while one is removed for that (fs/inode/rename.h).
    pthread_rwlock_t entries;
    // The request that a thread serves; unset where requests have no record.
    pthread_key_t serving;
    // Called when the request in a record is about to wait; NULL: nobody needs to know.
    void (*will_wait)(void *server, unsigned record, bool for_others);
    void *server;
    // So many threads may wait at once for what other threads have to serve; 0: nobody else serves.
    atomic_uint waiters_max;
    atomic_uint reading;           // threads that are taking a request from the kernel's queue
    atomic_uint forgetting;        // threads that carry out many FORGETs
    atomic_uint releases_deferred; // RELEASEs that were received, and wait to be served
    struct ticker *ticker;         // NULL: there is no server
    struct memory_guard *memory;
    struct request_counts *counts; // fs/state/request_counts.h
    // How many files have lost their last mapping that could write, as far as is known: before
    // that, their attributes may have changed unseen (fs/vfs/attr.h).
    _Atomic uint64_t mappings_ended;
    // Until then nobody need look whether the store is still writable (fs/vfs/file.c).
    _Atomic uint64_t writable_until;
    struct {
        struct lock lock; // guards the rest
        pthread_cond_t one_served;
        unsigned served, waiters;
    } releases; // RELEASEs, for which a search for holes waits (fs/ops/file.c)

    // The state of modules; each …_init() makes its own.
    struct name_records *names;        // reopen.h
    struct identities *identities;     // impersonate.h
    struct backing_registry *backings; // backing.h
    struct registrar *registrar;       // fs/broker/registrar.h
    struct deferred_close *deferred_close;
    struct volume_journal *journal;  // fs/journal/volume_journal.h
    struct class_switches *switches; // fs/switch/class_switch.h
    struct orphans *orphans;
    struct attr_poll *attr_poll;     // fs/vfs/attr.h
    struct size_notify *size_notify; // fs/vfs/size_notify.h
    struct hold *hold;               // fs/vfs/hold.h
    struct last_close *last_close;   // fs/lifetime/last_close.h
    struct file_locks *locks;        // fs/locks/locked_files.h
    struct pending_lock *pending;    // fs/vfs/pending_invalidation.h
    struct store_watch *store_watch; // fs/outage/store_watch.h
    struct keep_alive *keep_alive;   // fs/hosts/keep_alive.h; NULL: there is none
};

static inline struct lock *volume_stripe(struct volume *volume, const struct node_ref *ref)
{
    // A store that does not answer takes no stripe of RAM.
    return &volume->stripes[((uint32_t)ref->id * 2 + (ref->area != AREA_STORE)) % VOLUME_STRIPES];
}

static inline struct area *volume_area(struct volume *volume, unsigned area)
{
    return area < AREAS_OF_MOUNT ? &volume->info.areas[area]
                                 : &area_table_entry(&volume->areas, area)->area;
}

/* Returns whether there is an area of an index. */
static inline bool volume_has_area(const struct volume *volume, unsigned area)
{
    return area < AREAS_OF_MOUNT ? volume->info.areas[area].root >= 0
                                 : area_table_has(&volume->areas, area);
}

/* Returns the way that an area's data goes to programs. */
static inline struct data_path *volume_data_path(struct volume *volume, unsigned area)
{
    return &volume->info.data_paths[area_kind(area)->data_path];
}

/* Returns whether FUSE's page cache may have data of the store that the daemon does not have: its
 * files are not passed through, or not all of them. */
static inline bool volume_caches_store(const struct volume *volume)
{
    return volume->info.areas[AREA_STORE].root >= 0 &&
           (!volume->info.data_paths[AREA_STORE].passthrough || volume->info.brokered ||
            volume->state->caches_class != 0);
}

/* Returns whether other hosts mount the store, too, and so change it behind the mount. */
static inline bool volume_is_shared(const struct volume *volume)
{
    return volume->info.shared;
}

/* Returns whether the kernel forwards locks, instead of keeping them. */
static inline bool volume_forwards_locks(const struct volume *volume)
{
    return volume->state->locks != 0;
}

/* Returns whether any class root keeps its skeleton. */
static inline bool volume_keeps_skeletons(const struct volume *volume)
{
    return volume->state->keeps_skeletons != 0;
}

/* Returns whether any file may have a lifetime of its own. */
static inline bool volume_has_lifetimes(const struct volume *volume)
{
    return volume->state->lifetimes != 0 || volume_keeps_skeletons(volume);
}

/* Returns for how many seconds the kernel may trust names and attributes that only change through
 * the mount. */
static inline double volume_timeout(const struct volume *volume)
{
    uint32_t set = atomic_load_explicit(&volume->state->timeout, memory_order_relaxed);

    return set ? set - 1 : volume->info.timeout;
}

/* Returns the huge= in force. */
static inline const char *volume_huge(const struct volume *volume)
{
    uint32_t set = volume->state->huge;

    // It is read from shared memory.
    return set && set <= RAM_HUGE_WORD_COUNT ? RAM_HUGE_WORDS[set - 1]
                                             : volume->info.areas[AREA_RAM].huge;
}

/* Returns the record of the request that the calling thread serves; NULL: it has none. */
static inline struct request *volume_request(struct volume *volume)
{
    return pthread_getspecific(volume->serving);
}

static inline void volume_announce_wait(struct volume *volume, bool for_others)
{
    const struct request *request = volume_request(volume);

    if (request && volume->will_wait)
        volume->will_wait(volume->server, state_index(volume->state, request), for_others);
}

/* Announces that the thread's request is about to wait, maybe for other requests, so that those are
 * received meanwhile. */
static inline void volume_will_wait(struct volume *volume)
{
    volume_announce_wait(volume, true);
}

/* Announces that it is about to wait for a disk, which may take no longer than to wake another
 * thread. */
static inline void volume_will_sync(struct volume *volume)
{
    volume_announce_wait(volume, false);
}

/* Returns the ledger of the thread's request; NULL: there is none. */
static inline struct node_ledger *volume_ledger(struct volume *volume)
{
    struct request *request = volume_request(volume);

    return request ? node_ledger(&volume->nodes, state_index(volume->state, request)) : NULL;
}

/* Ends the process, because something that a thread works on is damaged. */
static inline void volume_damaged(struct volume *volume, const char *what)
{
    volume->nodes.corrupt(volume->nodes.corrupt_argument, what);
}

#endif
