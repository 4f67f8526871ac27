// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reattaching: the mount goes over to its store as it was mounted anew, because what the daemon has
 * of it leads nowhere any more: its client died, or the disk was away.
 *
 * A worker opens the store by its path, makes sure that it is the same one, and leaves. The next
 * worker, before it serves, replaces each descriptor of the old store by one of the same object, of
 * the same path, under the same number. So nobody sees a part of it, and whoever follows a worker
 * that died in the midst does the rest.
 *
 * An object that is not found again keeps the old descriptor, which tells no lies: it fails, or is
 * still the object that it was. Files open in the kernel, passed through, cannot be replaced.
 */
#ifndef SHMAPFS_REATTACH_H
#define SHMAPFS_REATTACH_H

#include "fs/inode/volume.h"
#include "lib/area/store_lock.h"

/* Opens the store anew, for the next worker. Returns 0, or REATTACH_NEEDLESS: it is the filesystem
 * that the daemon has, and nothing is to be done; or a negative errno; -EXDEV: what is at its
 * path is not the mount's store; -EBUSY: another daemon has it by now; -ENOTSUP: whether it is the
 * same cannot be known. */
#define REATTACH_NEEDLESS 2
int reattach_begin(struct volume *volume);

/* Finishes that, if it was begun; before anything is served. */
void reattach_finish(struct volume *volume);

/* Has a process that began before the last one know the store and its lock as they are now. */
void reattach_catch_up(struct volume *volume, struct store_lock *lock);

/* Returns whether the next worker is to finish one. */
static inline bool reattach_is_begun(const struct volume *volume)
{
    return state_outage(volume->state)->reattach.begun != 0;
}

#endif
