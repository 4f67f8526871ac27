// SPDX-License-Identifier: BSD-2-Clause
/*
 * What all requests of a mount share: its areas and its nodes. The modules above keep their own
 * state, each with its lock; here are only the pointers to it.
 */
#ifndef SHMAPFS_VOLUME_H
#define SHMAPFS_VOLUME_H

#include <fuse_lowlevel.h>

#include "fs/nodes/node_table.h"
#include "fs/state/request.h"
#include "fs/state/state.h"
#include "fs/util/lock.h"

#define VOLUME_STRIPES 64

/* Longer than anybody looks at a name without there being a reason to ask again. */
#define TIMEOUT_DEFAULT 86400

struct volume {
    struct mount_info info;
    struct state *state;
    struct node_table nodes;
    struct fuse_session *session;
    const struct class *const *classes; // by their enum shmap_class; NULL: not served

    // Held while something about one node is settled that takes system calls: its backing id, its
    // I/O descriptor, whether it is mapped. Chosen by node; never two at once.
    struct lock stripes[VOLUME_STRIPES];
    // Held while a class root is entered, made or dropped.
    struct lock class_roots;
    // The request that a thread serves; unset where requests have no record.
    pthread_key_t serving;
    // The request in a record is about to wait; NULL: nobody wants to know.
    void (*will_wait)(void *server, unsigned record);
    void *server;
    struct ticker *ticker; // NULL: nothing ticks yet

    // Each is made by its module's …_init().
    struct name_records *names;        // reopen.h
    struct identities *identities;     // impersonate.h
    struct backing_registry *backings; // backing.h
    struct deferred_close *deferred_close;
    struct orphans *orphans;
    struct attr_poll *attr_poll;     // fs/vfs/attr.h
    struct size_notify *size_notify; // fs/vfs/size_notify.h
    struct pending_lock *pending;    // fs/vfs/pending_invalidation.h
};

static inline struct lock *volume_stripe(struct volume *volume, const struct node_ref *ref)
{
    return &volume->stripes[(uint32_t)ref->id % VOLUME_STRIPES];
}

static inline struct area *volume_area(struct volume *volume, unsigned area)
{
    return &volume->info.areas[area];
}

/* The record of the request that the calling thread serves; NULL: it has none. */
static inline struct request *volume_request(struct volume *volume)
{
    return pthread_getspecific(volume->serving);
}

/* That request is about to wait for something; others are to be received meanwhile. */
static inline void volume_will_wait(struct volume *volume)
{
    const struct request *request = volume_request(volume);

    if (request && volume->will_wait)
        volume->will_wait(volume->server, state_index(volume->state, request));
}

/* What that request takes from the node table. */
static inline struct node_ledger *volume_ledger(struct volume *volume)
{
    struct request *request = volume_request(volume);

    return request ? node_ledger(&volume->nodes, state_index(volume->state, request)) : NULL;
}

/* What a thread works on is damaged: ends the process. */
static inline void volume_damaged(struct volume *volume, const char *what)
{
    volume->nodes.corrupt(volume->nodes.corrupt_argument, what);
}

#endif
