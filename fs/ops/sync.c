// SPDX-License-Identifier: BSD-2-Clause
#include "fs/ops/sync.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fs/mount/mount.h"
#include "fs/ops/ops.h"
#include "fs/ops/reply.h"
#include "fs/sync/sync_child.h"
#include "fs/vfs/file.h"

/* The value that the client reads. */
static const char SYNCED[] = "synced";

struct sync_waiter {
    struct sync_waiter *next;
    fuse_req_t req;
    size_t size;
    int place; // where the request is parked; -1: nowhere
};

static void answer(const struct sync_waiter *waiter, int error)
{
    if (error)
        reply_err(waiter->req, -error);
    else if (waiter->size == 0)
        reply_xattr(waiter->req, strlen(SYNCED));
    else if (waiter->size < strlen(SYNCED))
        reply_err(waiter->req, ERANGE);
    else
        reply_buf(waiter->req, SYNCED, strlen(SYNCED));
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

static void end_sync(struct mount *mount, struct sync_waiter *waiters, int error)
{
    struct sync_waiter *next;

    for (; waiters; waiters = next) {
        next = waiters->next;
        answer(waiters, error);
        unpark(mount, waiters);
        free(waiters);
    }
}

static void *make_syncs(void *argument)
{
    struct mount *mount = argument;
    struct sync_waiter *waiters;

    while ((waiters = begin_sync(&mount->syncs)))
        end_sync(mount, waiters, sync_child_run(mount));
    return NULL;
}

static int start_thread(struct mount *mount)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int error;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    error = pthread_create(&thread, &attributes, make_syncs, mount);
    pthread_attr_destroy(&attributes);
    return -error;
}

/* Puts a request into the list, and starts the thread if there is none. The request is answered at
 * any time from then on. Returns 0 or a negative errno. */
static int join(struct mount *mount, struct sync_waiter *waiter)
{
    struct syncs *syncs = &mount->syncs;
    int error = 0;

    lock_take(&syncs->lock);
    // Over io_uring a request that waits keeps its place in a short queue from others.
    if (mount->volume.info.io_uring && syncs->running)
        error = -EBUSY;
    if (!error && !syncs->running)
        error = start_thread(mount);
    if (!error) {
        syncs->running = true;
        waiter->next = syncs->waiting;
        syncs->waiting = waiter;
    }
    lock_release(&syncs->lock);
    return error;
}

void sync_request(fuse_req_t req, size_t size)
{
    struct mount *mount = mount_of(req);
    struct sync_waiter *waiter = calloc(1, sizeof(*waiter));
    int error = -ENOMEM;

    if (waiter) {
        *waiter = (struct sync_waiter){ .req = req, .size = size, .place = -1 };
        error = park(mount, waiter);
        if (!error)
            error = join(mount, waiter);
    }
    if (!error)
        return;
    reply_err(req, -error);
    if (waiter)
        unpark(mount, waiter);
    free(waiter);
}

void op_flush(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct volume *volume = volume_of(req);
    INODE struct inode inode = INODE_NONE;
    int error;

    if (!volume_area(volume, AREA_STORE)->has_servers) {
        reply_never_again(req);
        return;
    }
    error = inode_hold(volume, id, &inode);
    if (!error && inode_area(&inode)->has_servers)
        error = file_flush(&inode, fi);
    reply_err(req, -error);
}
