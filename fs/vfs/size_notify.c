// SPDX-License-Identifier: BSD-2-Clause
#include "fs/vfs/size_notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/notice/notice.h"
#include "fs/util/clock.h"
#include "fs/util/log.h"

/* How long anybody waits for the kernel to be told. If a page has to be read at that moment, which
 * over io_uring the waiting thread itself would have to do, the kernel knows the size all the
 * same. */
#define WAIT_MS 900

#define STRIPES 64

struct size_notify {
    struct lock lock; // for the condition; the counts change without the lock
    pthread_cond_t told;
    _Atomic unsigned under_way[STRIPES]; // how many files grow, by node
};

int size_notify_init(struct volume *volume)
{
    struct size_notify *sizes = calloc(1, sizeof(*sizes));

    if (!sizes)
        return -ENOMEM;
    lock_init(&sizes->lock, LOCK_SIZE_NOTIFY);
    lock_condition_init(&sizes->told);
    volume->size_notify = sizes;
    return 0;
}

void size_notify_destroy(struct volume *volume)
{
    free(volume->size_notify);
    volume->size_notify = NULL;
}

/* Returns whether the kernel has to be told of the size of a file. With writeback it believes
 * nobody but itself about sizes. */
static bool concerns(const struct inode *inode)
{
    return !inode->volume->info.writeback && !inode_is_passthrough(inode);
}

static off_t pages(off_t size)
{
    off_t page = sysconf(_SC_PAGESIZE);

    return (size + page - 1) / page;
}

static _Atomic unsigned *under_way(struct volume *volume, uint64_t node)
{
    return &volume->size_notify->under_way[node % STRIPES];
}

struct size_change size_notify_begin(struct inode *inode, int fd, off_t size)
{
    struct size_change change = { .node = inode->ref.id };
    struct statx stx;

    // A file that grows within its last page gives nobody SIGBUS.
    if (concerns(inode) && inode_stat(inode, fd, &stx) == 0 &&
        pages(size) > pages((off_t)stx.stx_size)) {
        change.volume = inode->volume;
        atomic_fetch_add(under_way(change.volume, change.node), 1);
    }
    return change;
}

static void announce(const struct size_change *change, off_t size)
{
    // There is no data (size_notify.h).
    const struct notice grown = {
        .code = FUSE_NOTIFY_STORE,
        .body.store = { .nodeid = change->node, .offset = (uint64_t)size - 1, .size = 1 },
        .body_bytes = sizeof(grown.body.store),
        .data_bytes = 1,
    };
    int error = notice_send(change->volume->info.device, &grown, NULL);

    if (error)
        log_event(LOG_WARNING, "the kernel was not told that a file grows: %s", strerror(-error));
}

void size_notify_end(const struct size_change *change, off_t size, bool grown)
{
    struct volume *volume = change->volume;

    if (!volume)
        return;
    if (grown)
        announce(change, size);
    lock_take(&volume->size_notify->lock);
    atomic_fetch_sub(under_way(volume, change->node), 1);
    pthread_cond_broadcast(&volume->size_notify->told);
    lock_release(&volume->size_notify->lock);
}

void size_notify_wait(const struct inode *inode)
{
    struct volume *volume = inode->volume;
    _Atomic unsigned *count = under_way(volume, inode->ref.id);
    struct timespec limit;
    int error = 0;

    if (atomic_load(count) == 0)
        return;
    limit = clock_deadline(WAIT_MS * 1000000L);
    lock_take(&volume->size_notify->lock);
    while (error == 0 && atomic_load(count) > 0)
        error = lock_wait_until(&volume->size_notify->lock, &volume->size_notify->told, &limit);
    lock_release(&volume->size_notify->lock);
}
