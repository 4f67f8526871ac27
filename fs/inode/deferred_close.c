// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/deferred_close.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/inode/backing.h"
#include "fs/inode/orphans.h"

/* So many are closed at once; more wait while a thread closes, because a store may not answer it.
 * The node table bounds what is unclosed, with what the threads close besides. */
#define DEFERRED_MANY 24
#define DEFERRED_MAX  80

struct deferred_close {
    struct lock closing; // held by the one thread that closes
    struct lock lock;    // guards the rest
    atomic_uint count;
    struct node_resources resources[DEFERRED_MAX];
};

int deferred_close_init(struct volume *volume)
{
    struct deferred_close *deferred = calloc(1, sizeof(*deferred));

    if (!deferred)
        return -ENOMEM;
    lock_init(&deferred->closing, LOCK_CLOSING);
    lock_init(&deferred->lock, LOCK_DEFERRED);
    volume->deferred_close = deferred;
    return 0;
}

void deferred_close_destroy(struct volume *volume)
{
    free(volume->deferred_close);
    volume->deferred_close = NULL;
}

void resources_close(struct volume *volume, const struct node_resources *resources)
{
    if (resources->path_fd >= 0)
        close(resources->path_fd);
    if (resources->io_fd >= 0)
        close(resources->io_fd);
    if (resources->backing_id > 0)
        backing_close(volume, resources->backing_id);
    if (resources->orphan)
        orphans_one_gone(volume);
}

void resources_close_both(struct volume *volume, const struct node_resources resources[2])
{
    resources_close(volume, &resources[0]);
    resources_close(volume, &resources[1]);
}

/* Closes the first ones. Returns how many. */
static unsigned close_batch(struct volume *volume)
{
    struct deferred_close *deferred = volume->deferred_close;
    struct node_resources taken[DEFERRED_MANY];
    unsigned count;

    lock_take(&deferred->lock);
    count = deferred->count < DEFERRED_MANY ? deferred->count : DEFERRED_MANY;
    memcpy(taken, deferred->resources, count * sizeof(taken[0]));
    deferred->count -= count;
    memmove(deferred->resources, deferred->resources + count,
            deferred->count * sizeof(deferred->resources[0]));
    lock_release(&deferred->lock);
    for (unsigned i = 0; i < count; i++)
        resources_close(volume, &taken[i]);
    return count;
}

unsigned deferred_close_run(struct volume *volume)
{
    struct deferred_close *deferred = volume->deferred_close;
    unsigned closed = 0;

    // Others that find the lock taken rely on a look after it was released.
    while (deferred->count > 0 && lock_try(&deferred->closing)) {
        closed += close_batch(volume);
        lock_release(&deferred->closing);
    }
    return closed;
}

void deferred_close_add(struct volume *volume, const struct node_resources *resources)
{
    struct deferred_close *deferred = volume->deferred_close;
    bool added = false;

    // The threads that receive run deferred closes; libfuse's own loop does not.
    if (!volume->info.io_uring) {
        lock_take(&deferred->lock);
        added = deferred->count < DEFERRED_MAX;
        if (added)
            deferred->resources[deferred->count++] = *resources;
        lock_release(&deferred->lock);
    }
    if (!added)
        resources_close(volume, resources);
    else if (deferred->count >= DEFERRED_MANY)
        deferred_close_run(volume);
}

unsigned deferred_close_count(const struct volume *volume)
{
    return volume->deferred_close->count;
}
