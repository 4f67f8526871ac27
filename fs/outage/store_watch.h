// SPDX-License-Identifier: BSD-2-Clause
/*
 * The store watch: whether the store answers.
 *
 * Any system call on the store can take for ever, where its server is gone or its client is stuck.
 * So what the mount says of its store is asked by a thread of its own, which nobody waits for
 * longer than SILENCE: after that the store counts as silent, until the call returns. Meanwhile the
 * mount's own state and the attributes of its root are told as they were last.
 *
 * The thread looks when a status asks for that, and when the ticker has seen that a request takes
 * long on the store. It also settles what may have to wait for the store and would otherwise hold
 * the ticker up.
 */
#ifndef SHMAPFS_STORE_WATCH_H
#define SHMAPFS_STORE_WATCH_H

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "fs/inode/volume.h"

/* The last look at the store. */
struct store_look {
    bool answered; // just now
    bool known;    // the following was read once, however long ago
    struct statvfs vfs;
    int error; // why the store could not be looked at, as an errno; 0: it could
};

/* Returns 0 or -ENOMEM. */
int store_watch_init(struct volume *volume);
void store_watch_destroy(struct volume *volume);

/* Starts the thread, with a stack of so many bytes, if there is a store. Returns 0 or a negative
 * errno. */
int store_watch_start(struct volume *volume, size_t stack_bytes);

/* Returns whether the store is silent. */
static inline bool store_watch_is_silent(const struct volume *volume)
{
    return atomic_load_explicit(&state_outage(volume->state)->silent, memory_order_relaxed) != 0;
}

/* Returns whether an error says that nothing can be had of the store, rather than that the call was
 * wrong. */
bool store_watch_is_outage(int error);

/* Looks at the store, and waits for that until it counts as silent. */
void store_watch_look(struct volume *volume, struct store_look *look);

/* Has the thread look, without waiting for it: something takes long on the store. */
void store_watch_suspect(struct volume *volume);

/* Finds out whether the store has become silent. Returns whether the thread has something to do. */
bool store_watch_tick(struct volume *volume);

/* Returns whether the mount's root, which is in the store, has no ACL, as far as is known; and
 * notes whether it has. */
static inline bool store_watch_root_lacks_acl(const struct volume *volume)
{
    return state_outage(volume->state)->root_without_acl != 0;
}

static inline void store_watch_note_acl(struct volume *volume, bool absent)
{
    state_outage(volume->state)->root_without_acl = absent;
}

/* Notes attributes of the mount's root, which is in the store, as they were told. */
void store_watch_note_root(struct volume *volume, const struct stat *st);

/* Reads what was noted. Returns false if there is nothing. */
bool store_watch_root(struct volume *volume, struct stat *st);

#endif
