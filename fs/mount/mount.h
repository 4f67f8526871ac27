// SPDX-License-Identifier: BSD-2-Clause
/* A mount in one of its processes. It is the user data of the FUSE session. State that outlives the
 * process is behind `volume.state` and in the node table. */
#ifndef SHMAPFS_MOUNT_H
#define SHMAPFS_MOUNT_H

#include <stddef.h>

#include "fs/inode/volume.h"
#include "fs/options/options.h"
#include "lib/area/store_lock.h"

/* Syncs, for which clients wait without a thread that serves (fs/ops/sync.c). */
enum awaited {
    AWAITED_SYNC, // all that was written is on the disk
    AWAITED_SAVE, // all that the end of the mount would commit is committed
    AWAITED_KINDS
};

/* Requests of one kind. */
struct syncs {
    struct mount *mount;
    enum awaited kind;
    struct lock lock;            // guards the following
    struct sync_waiter *waiting; // for the next one
    atomic_bool running;         // there is a thread that syncs
};

struct mount {
    struct volume volume;
    const struct fuse_lowlevel_ops *ops;
    struct options options; // only in the process that mounted; later ones know volume.info alone
    struct store_lock store_lock; // likewise; the mount's processes share its descriptor
    int memfd;                    // of the state
    struct agreement agreed;      // what this process agreed on with the kernel
    atomic_flag upgrading;        // an upgrade is under way; set until there is another binary
    atomic_flag damaged;          // the memory is, as a thread has found, which ends the process
    atomic_bool
        handing_over; // a request has asked to hand over, to another binary or another process
    struct syncs syncs[AWAITED_KINDS];
    pthread_t saver; // fs/sync/saver.c
    bool saves;      // there is that thread
};

static inline void mount_init_syncs(struct mount *mount)
{
    for (int i = 0; i < AWAITED_KINDS; i++) {
        mount->syncs[i].mount = mount;
        mount->syncs[i].kind = (enum awaited)i;
        lock_init(&mount->syncs[i].lock, LOCK_SYNCS);
    }
}

/* Returns whether a thread syncs. */
static inline bool mount_syncs(const struct mount *mount)
{
    return mount->syncs[AWAITED_SYNC].running || mount->syncs[AWAITED_SAVE].running;
}

static inline struct mount *mount_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

/* Returns the mount of a volume. */
static inline struct mount *mount_of_volume(struct volume *volume)
{
    return (struct mount *)volume;
}
_Static_assert(offsetof(struct mount, volume) == 0, "a mount begins with its volume");

static inline struct volume *volume_of(fuse_req_t req)
{
    return &mount_of(req)->volume;
}

#endif
