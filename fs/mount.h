// SPDX-License-Identifier: BSD-2-Clause
/* The state of one mount: all that requests share. It is the user data of the FUSE session. */
#ifndef SHMAPFS_MOUNT_H
#define SHMAPFS_MOUNT_H

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>

#include "area.h"
#include "cred.h"
#include "node.h"
#include "options.h"

#define MOUNT_STRIPES 64

/* How the data of an area's files gets to programs. */
struct data_path {
    // In the kernel, to a backing file; otherwise through FUSE's page cache and the daemon.
    bool passthrough;
    char reason[128]; // why not
};

struct mount {
    struct options options;
    uint64_t mount_id; // of the mount at `mountpoint`, while it is there
    char *mountpoint;  // absolute, without symlinks
    char *store;       // likewise; NULL: none
    uid_t owner;
    struct area areas[AREA_KINDS];
    struct data_path data_paths[AREA_KINDS];
    struct cred cred;
    struct node_table nodes;
    struct fuse_session *session;
    bool backing_takes_open;  // the kernel registers no O_PATH descriptors
    bool writeback;           // FUSE's page cache holds writes back
    atomic_uint writes_begun; // WRITE requests, for whoever waits for the last one
    atomic_uint writes_ended;
    bool io_uring;  // requests come over it
    double timeout; // for names and attributes that only change through the mount

    // Held while something about one node is settled that takes system calls: its backing id, its
    // I/O descriptor, whether it is mapped. Chosen by node; never two at once.
    pthread_mutex_t stripes[MOUNT_STRIPES];
    // Where nodes are opened again by name: held for writing while a name and the table's record of
    // it change together.
    pthread_rwlock_t names;
    // For calls that found their area full (space.h).
    pthread_mutex_t space;
    pthread_cond_t space_came;
    unsigned space_waiters;
    unsigned orphans_gone;
    unsigned orphans_in_use; // of those there are: waiting for them was in vain
    // Held while a class root is entered, made or dropped.
    pthread_mutex_t class_roots;
    // Set in threads that have a umask of their own.
    pthread_key_t own_umask;
};

static inline pthread_mutex_t *mount_stripe(struct mount *mount, const struct node_ref *ref)
{
    return &mount->stripes[(uint32_t)ref->id % MOUNT_STRIPES];
}

static inline struct mount *mount_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

#endif
