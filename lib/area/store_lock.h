// SPDX-License-Identifier: BSD-2-Clause
/*
 * The lock of a store, which one daemon has at a time, or several of hosts that share the store.
 *
 * It is a file in the store's private directory, which only the mount's owner can enter. So nobody
 * else can take it. Earlier versions lock the store's own directory instead, and so do we where
 * there is no private directory and none can be made: on a read-only or a full filesystem, or in a
 * store whose private directory belongs to another user. That lock is taken in addition, too, so
 * that versions exclude each other; where a stranger has it, it does not count
 * (lib/sys/directory_lock.h).
 */
#ifndef SHMAP_STORE_LOCK_H
#define SHMAP_STORE_LOCK_H

#include <stdbool.h>

#include "lib/area/area.h"

/* The name of the private directory in the store's root; the mount does not show it. */
#define STORE_PRIVATE ".shmapfs"

/* Opens the private directory of a store. Returns a descriptor or a negative errno; -ENOENT: there
 * is none; -EPERM: what has its name is another user's, or no directory. */
int store_private_open(const struct area *store);

struct store_lock {
    int fd;    // of the locked file, which is the lock for as long as it is open; -1: there is none
    bool made; // the file and its directory are new
    bool foreign; // the private directory is another user's: the store's own lock must do
    int record;   // of the host that has the lock (host_record.h); -1: there is none
};

#define STORE_LOCK_NONE ((struct store_lock){ .fd = -1, .record = -1 })

enum store_lock_how {
    STORE_LOCK_MAKE = 1,       // what it takes is made in the store
    STORE_LOCK_PRIVILEGED = 2, // a stranger's thing in its place is given another name
    STORE_LOCK_SHARED = 4,     // others may have it as well that take it so
};

/* Takes the lock of a store that is open; `how` is of enum store_lock_how. Returns 0 or a negative
 * errno; -EBUSY: another daemon has it. */
int store_lock_take(const struct area *store, unsigned how, struct store_lock *lock);

/* Does the same, but waits for at most `seconds` for a daemon that is about to end. Uses
 * SIGALRM. */
int store_lock_wait(const struct area *store, unsigned how, unsigned seconds,
                    struct store_lock *lock);

/* Marks the lock of a store as one that goes by itself: its daemon serves nobody any more, and ends
 * when the store is synced. */
void store_lock_mark_ending(const struct area *area);

/* Tells whether the process that has the lock has marked it so. */
bool store_lock_is_ending(const struct area *area);

/* Opens the lock file of what may be a store, for somebody who has no mount of it. Returns a
 * descriptor or a negative errno; -ENOENT: it is no store; -EPERM: what is there is another
 * user's. */
int store_lock_open(const char *directory);

/* Lets go of the lock of a store that comes to no mount, and removes what was made for it. */
void store_lock_drop(const struct area *store, struct store_lock *lock);

/* The identity of a store, which stays when it is mounted anew: its root and its lock file. */
struct store_identity {
    uint64_t ino, birth;
    uint64_t lock_ino, lock_birth;
};

/* Reads it; zeroes stand for what there is not. */
void store_identity_read(const struct area *store, struct store_identity *identity);

/* Returns whether it tells anything: the root of a filesystem alone may have the same number in all
 * of its kind. */
bool store_identity_tells(const struct store_identity *identity);

#endif
