// SPDX-License-Identifier: BSD-2-Clause
/*
 * Locks, and the order in which a thread takes them.
 *
 * A thread that holds a lock takes only locks of a higher rank. A build with lock_checks aborts
 * when a thread does otherwise. The note at each lock, in the header or source of the module that
 * owns it, says what the lock guards.
 */
#ifndef SHMAPFS_LOCK_H
#define SHMAPFS_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

/* In the order in which a thread takes them. */
enum lock_rank {
    LOCK_TURN = 1,    // fs/locks/locked_files.h
    LOCK_OPTIONS,     // fs/inode/volume.h
    LOCK_STORE_WATCH, // fs/outage/store_watch.c
    LOCK_CLASS_ROOTS, // fs/inode/volume.h
    LOCK_OWN_AREAS,   // fs/inode/volume.h
    LOCK_MIRRORS,     // fs/inode/volume.h
    LOCK_PENDING,     // fs/vfs/pending_invalidation.c
    LOCK_NAMES,       // fs/inode/reopen.c; a reader-writer lock
    LOCK_STRIPE,      // fs/inode/volume.h
    LOCK_SWITCHES,    // fs/switch/class_switch.c
    LOCK_ENTRIES,     // fs/inode/rename.h; a reader-writer lock
    LOCK_LAST_CLOSE,  // fs/lifetime/last_close.c
    LOCK_BACKING,     // fs/inode/backing.c
    LOCK_CLOSING,     // fs/inode/deferred_close.c
    LOCK_DEFERRED,    // fs/inode/deferred_close.c
    LOCK_ORPHANS,     // fs/inode/orphans.c
    LOCK_FILE_LOCKS,  // fs/locks/locked_files.h
    LOCK_RELEASES,    // fs/inode/volume.h
    LOCK_SIZE_NOTIFY, // fs/vfs/size_notify.c
    LOCK_KEEP_ALIVE,  // fs/hosts/keep_alive.c
    LOCK_SERVER,      // fs/dispatch/server.h
    LOCK_RECORDS,     // fs/dispatch/request_pool.h
    LOCK_ADMISSION,   // fs/dispatch/admission.h
    LOCK_PARKING,     // fs/state/parking.h
    LOCK_LEADERS,     // fs/dispatch/leader.h
    LOCK_TICKER,      // fs/util/ticker.h
    LOCK_SYNCS,       // fs/mount/mount.h
    LOCK_JOURNAL,     // fs/journal/volume_journal.c
    LOCK_APPLIER,     // fs/journal/applier.c
    LOCK_SAVE_TIMES,  // fs/journal/save_times.c
    LOCK_MEMORY,      // fs/util/memory_guard.c
    LOCK_NODES,       // fs/nodes/node_table.h
    LOCK_BROKER,      // fs/broker/registrar.c
    LOCK_RANKS,
};

struct lock {
    pthread_mutex_t mutex;
    enum lock_rank rank;
};

#ifdef SHMAPFS_LOCK_CHECKS
/* Notes that the calling thread takes, or releases, a lock of a rank. `waits`: the thread would
 * wait for the lock, and so the order counts. Aborts when the order is broken. */
void lock_note_taken(enum lock_rank rank, bool waits);
void lock_note_released(enum lock_rank rank);
#else
static inline void lock_note_taken(enum lock_rank rank, bool waits)
{
    (void)rank;
    (void)waits;
}

static inline void lock_note_released(enum lock_rank rank)
{
    (void)rank;
}
#endif

static inline void lock_init(struct lock *lock, enum lock_rank rank)
{
    pthread_mutex_init(&lock->mutex, NULL);
    lock->rank = rank;
}

static inline void lock_destroy(struct lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

static inline void lock_take(struct lock *lock)
{
    lock_note_taken(lock->rank, true);
    pthread_mutex_lock(&lock->mutex);
}

/* Takes the lock if it is free. Returns false if another thread holds it. */
static inline bool lock_try(struct lock *lock)
{
    if (pthread_mutex_trylock(&lock->mutex) != 0)
        return false;
    lock_note_taken(lock->rank, false);
    return true;
}

static inline void lock_release(struct lock *lock)
{
    // Afterwards another thread may destroy it.
    lock_note_released(lock->rank);
    pthread_mutex_unlock(&lock->mutex);
}

/* Wait on a condition with the lock held; lock_wait_until() returns 0 or ETIMEDOUT. */
static inline void lock_wait(struct lock *lock, pthread_cond_t *condition)
{
    pthread_cond_wait(condition, &lock->mutex);
}

static inline int lock_wait_until(struct lock *lock, pthread_cond_t *condition,
                                  const struct timespec *deadline)
{
    return pthread_cond_timedwait(condition, &lock->mutex, deadline);
}

/* Initialises a condition whose deadlines are times of CLOCK_MONOTONIC (clock.h). */
static inline void lock_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

#endif
