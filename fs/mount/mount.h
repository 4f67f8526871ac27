// SPDX-License-Identifier: BSD-2-Clause
/* The state of one mount in the process that serves it: all that requests share. It is the user data
 * of the FUSE session. What outlives the process is behind `state` and in the node table. */
#ifndef SHMAPFS_MOUNT_H
#define SHMAPFS_MOUNT_H

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>

#include "fs/nodes/node_table.h"
#include "fs/mount/options.h"
#include "fs/state/request.h"
#include "fs/state/state.h"
#include "fs/dispatch/ticker.h"
#include "fs/dispatch/leader.h"

#define MOUNT_STRIPES  64
#define ATTR_ASKED     16
#define PUT_OFF_MAX    24
#define GROWTH_STRIPES 64

struct mount {
    const struct fuse_lowlevel_ops *ops;
    struct options options; // of the process that mounted; later ones know the facts alone
    struct facts facts;
    struct state *state;
    int memfd; // of the state
    struct node_table nodes;
    struct fuse_session *session;
    atomic_flag upgrading;    // to another binary; set until there is one
    atomic_bool handing_over; // to it, or to another process, as a request has asked for
    struct agreement agreed;  // what this process came to

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
    // Held from the registration of a backing file until the table knows its id, so that at most
    // one id can be lost with the process.
    pthread_mutex_t backings;
    struct turns turns;
    struct ticker ticker;
    // When the attributes of files that are open for writing were asked for (attr.c).
    struct asked {
        _Atomic uint64_t node;
        _Atomic uint64_t time;
        _Atomic uint32_t streak;
    } asked[ATTR_ASKED];
    // Files that grow and that the kernel is still to be told about, by node (growth.h).
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t told;
        _Atomic unsigned under_way[GROWTH_STRIPES];
    } growth;
    // What was taken off nodes and is still to be closed.
    struct put_off {
        pthread_mutex_t
            disposing;         // by one thread at a time: the node table bounds what is unclosed
        pthread_mutex_t mutex; // guards the rest
        atomic_uint count;
        struct node_resources resources[PUT_OFF_MAX];
    } put_off;
    // Guards what is stale in the state.
    pthread_mutex_t stale;
    // In whose name a thread acts (caller.h).
    pthread_key_t identity;
    // The request that a thread serves; unset where requests have no record.
    pthread_key_t serving;
};

static inline pthread_mutex_t *mount_stripe(struct mount *mount, const struct node_ref *ref)
{
    return &mount->stripes[(uint32_t)ref->id % MOUNT_STRIPES];
}

static inline struct mount *mount_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

/* The record of the request that the calling thread serves; NULL: it has none. */
static inline struct request *mount_request(struct mount *mount)
{
    return pthread_getspecific(mount->serving);
}

/* That request is about to wait for something; others are to be received meanwhile. */
static inline void mount_will_wait(struct mount *mount)
{
    const struct request *request = mount_request(mount);

    if (request)
        turns_pass(&mount->turns, state_index(mount->state, request));
}

/* What that request takes from the node table. */
static inline struct node_ledger *mount_ledger(struct mount *mount)
{
    struct request *request = mount_request(mount);

    return request ? node_ledger(&mount->nodes, state_index(mount->state, request)) : NULL;
}

#endif
