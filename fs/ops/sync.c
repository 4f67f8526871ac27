// SPDX-License-Identifier: BSD-2-Clause
#include "fs/ops/sync.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/ops/ops.h"
#include "fs/ops/reply.h"
#include "fs/sync/save_all.h"
#include "fs/sync/sync_child.h"

/* The value that the client reads. */
#define ANSWER_MAX 128

struct sync_waiter {
    struct sync_waiter *next;
    fuse_req_t req;
    size_t size;
    int place; // where the request is parked; -1: nowhere
};

static void answer(const struct sync_waiter *waiter, int error, const char *value)
{
    if (error)
        reply_err(waiter->req, -error);
    else if (waiter->size == 0)
        reply_xattr(waiter->req, strlen(value));
    else if (waiter->size < strlen(value))
        reply_err(waiter->req, ERANGE);
    else
        reply_buf(waiter->req, value, strlen(value));
}

/* Parks the request: its record is free when the operation returns. Returns 0 or a negative
 * errno. */
static int park(struct mount *mount, struct sync_waiter *waiter)
{
    const struct request *request = volume_request(&mount->volume);
    const struct state *state = mount->volume.state;

    if (!request)
        return 0;
    waiter->place = parking_put(&mount->volume.parking,
                                state_received(state, state_index(state, request)), false);
    return waiter->place < 0 ? waiter->place : 0;
}

static void unpark(struct mount *mount, const struct sync_waiter *waiter)
{
    if (waiter->place >= 0)
        parking_free(&mount->volume.parking, waiter->place);
}

/* Takes all requests out of the list. NULL: there are none, and the thread ends. */
static struct sync_waiter *begin_sync(struct syncs *syncs)
{
    struct sync_waiter *waiters;

    lock_take(&syncs->lock);
    waiters = syncs->waiting;
    syncs->waiting = NULL;
    syncs->running = waiters != NULL;
    lock_release(&syncs->lock);
    return waiters;
}

static void end_sync(struct mount *mount, struct sync_waiter *waiters, int error, const char *value)
{
    struct sync_waiter *next;

    for (; waiters; waiters = next) {
        next = waiters->next;
        answer(waiters, error, value);
        unpark(mount, waiters);
        free(waiters);
    }
}

/* Does once what the requests wait for, and tells what they read. */
static int make_sync(const struct syncs *syncs, char value[ANSWER_MAX])
{
    struct common_commit done;
    int error;

    if (syncs->kind == AWAITED_SYNC) {
        strlcpy(value, "synced", ANSWER_MAX);
        return sync_child_run(syncs->mount);
    }
    error = save_all(syncs->mount, &done);
    snprintf(value, ANSWER_MAX, "files=%zu commits=%zu left=%zu", done.files, done.commits,
             done.left);
    return error;
}

static void *make_syncs(void *argument)
{
    struct syncs *syncs = argument;
    struct sync_waiter *waiters;

    while ((waiters = begin_sync(syncs))) {
        char value[ANSWER_MAX] = "";
        int error = make_sync(syncs, value);

        end_sync(syncs->mount, waiters, error, value);
    }
    return NULL;
}

static int start_thread(struct syncs *syncs)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int error;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    error = pthread_create(&thread, &attributes, make_syncs, syncs);
    pthread_attr_destroy(&attributes);
    return -error;
}

/* Puts a request into the list, and starts the thread if there is none. The request is answered at
 * any time from then on. Returns 0 or a negative errno. */
static int join(struct syncs *syncs, struct sync_waiter *waiter)
{
    int error = 0;

    lock_take(&syncs->lock);
    // Over io_uring a request that waits keeps its place in a short queue from others.
    if (syncs->mount->volume.info.io_uring && syncs->running)
        error = -EBUSY;
    if (!error && !syncs->running)
        error = start_thread(syncs);
    if (!error) {
        syncs->running = true;
        waiter->next = syncs->waiting;
        syncs->waiting = waiter;
    }
    lock_release(&syncs->lock);
    return error;
}

void sync_request(fuse_req_t req, enum awaited kind, size_t size)
{
    struct mount *mount = mount_of(req);
    struct sync_waiter *waiter = calloc(1, sizeof(*waiter));
    int error = -ENOMEM;

    if (waiter) {
        *waiter = (struct sync_waiter){ .req = req, .size = size, .place = -1 };
        error = park(mount, waiter);
        if (!error)
            error = join(&mount->syncs[kind], waiter);
    }
    if (!error)
        return;
    reply_err(req, -error);
    if (waiter)
        unpark(mount, waiter);
    free(waiter);
}
