// SPDX-License-Identifier: BSD-2-Clause
#include "fs/vfs/pending_invalidation.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/util/checksum.h"
#include "fs/util/ticker.h"
#include "fs/vfs/attr.h"
#include "lib/object/object.h"

struct pending_lock {
    struct lock lock; // guards what is pending in the state
};

int pending_invalidation_init(struct volume *volume)
{
    struct pending_lock *pending = calloc(1, sizeof(*pending));

    if (!pending)
        return -ENOMEM;
    lock_init(&pending->lock, LOCK_PENDING);
    volume->pending = pending;
    return 0;
}

void pending_invalidation_destroy(struct volume *volume)
{
    free(volume->pending);
    volume->pending = NULL;
}

/* The count is in shared memory, which a process that went wild may have written to. */
static struct stale_node *find(struct stale *stale, uint64_t id)
{
    if (stale->count > STALE_MAX)
        stale->count = STALE_MAX;
    for (uint32_t i = 0; i < stale->count; i++) {
        if (stale->nodes[i].id == id)
            return &stale->nodes[i];
    }
    return NULL;
}

static void take_off(struct stale *stale, struct stale_node *node)
{
    *node = stale->nodes[stale->count - 1];
    stale->count--;
}

/* Something else after whatever a store through a mapping changes. Times alone do not tell: they go on
 * in steps of milliseconds. */
static uint64_t state_of(const struct statx *stx)
{
    uint64_t sum = mix((uint64_t)stx->stx_ctime.tv_sec, stx->stx_ctime.tv_nsec);

    return mix(mix(sum, stx->stx_blocks), stx->stx_size);
}

/* The kernel is told, also of nodes that are gone: it will not know them either. */
static void drop(struct volume *volume, uint64_t id)
{
    INODE struct inode inode = INODE_NONE;

    if (inode_hold(volume, id, &inode) == 0)
        node_flags(&volume->nodes, &inode.ref, 0, NODE_ATTR_CACHED);
    attr_invalidate(volume, id);
}

static bool is_unchanged(const struct inode *inode, uint64_t state, struct statx *stx)
{
    return inode->fd >= 0 && object_stat(inode->fd, stx) == 0 && state_of(stx) == state;
}

void stale_add(const struct inode *inode, const struct statx *stx)
{
    struct volume *volume = inode->volume;
    struct stale *stale = &volume->state->stale;
    struct stale_node *node;

    lock_take(&volume->pending->lock);
    node = find(stale, inode->ref.id);
    if (node) {
        node->settling = false;
    } else {
        if (stale->count >= STALE_MAX) {
            drop(volume, stale->nodes[0].id);
            take_off(stale, &stale->nodes[0]);
        }
        stale->nodes[stale->count] =
            (struct stale_node){ .id = inode->ref.id, .state = state_of(stx) };
        stale->count++;
    }
    lock_release(&volume->pending->lock);
    ticker_wake(volume->ticker);
}

void stale_writer_left(struct inode *inode)
{
    struct volume *volume = inode->volume;
    struct stale *stale = &volume->state->stale;
    struct stale_node *node;
    struct statx stx;

    if (stale->count == 0)
        return;
    lock_take(&volume->pending->lock);
    node = find(stale, inode->ref.id);
    if (node && !is_unchanged(inode, node->state, &stx)) {
        drop(volume, inode->ref.id);
        take_off(stale, node);
    }
    lock_release(&volume->pending->lock);
}

/* Whether what the kernel has of a node is true, and stays so: it is not mapped, and was not changed
 * until after that was known. An empty file may be mapped: it has to grow before anything can be stored,
 * and the kernel asks after that. */
static bool is_true(struct volume *volume, const struct stale_node *node)
{
    INODE struct inode inode = INODE_NONE;
    struct statx stx;

    if (inode_hold(volume, node->id, &inode) != 0 || inode.ref.writers > 0 ||
        !is_unchanged(&inode, node->state, &stx))
        return false;
    if (stx.stx_size > 0 && (attr_may_change(&inode) || !is_unchanged(&inode, node->state, &stx)))
        return false;
    // A process that was killed may have cleared it, and not come to tell the kernel.
    node_flags(&volume->nodes, &inode.ref, NODE_ATTR_CACHED, 0);
    return true;
}

/* Chooses one and copies it; what becomes of it meanwhile is seen from the list. */
static bool begin_one(struct volume *volume, struct stale_node *chosen)
{
    struct stale *stale = &volume->state->stale;
    bool any;

    lock_take(&volume->pending->lock);
    any = stale->count > 0;
    if (any) {
        stale->nodes[0].settling = true;
        *chosen = stale->nodes[0];
    }
    lock_release(&volume->pending->lock);
    return any;
}

/* Takes it off the list, unless it was opened again. */
static void end_one(struct volume *volume, uint64_t id)
{
    struct stale *stale = &volume->state->stale;
    struct stale_node *node;

    lock_take(&volume->pending->lock);
    node = find(stale, id);
    if (node && node->settling)
        take_off(stale, node);
    lock_release(&volume->pending->lock);
}

bool stale_settle(struct volume *volume)
{
    uint32_t left = volume->state->stale.count;
    bool any = left > 0;
    struct stale_node node;

    // What comes meanwhile has time until the next look.
    for (; left > 0 && begin_one(volume, &node); left--) {
        if (!is_true(volume, &node))
            drop(volume, node.id);
        end_one(volume, node.id);
    }
    return any;
}

double stale_add_new(struct inode *inode, const struct statx *stx)
{
    if (attr_changes_unseen(inode)) {
        node_flags(&inode->volume->nodes, &inode->ref, NODE_ATTR_CACHED, 0);
        stale_add(inode, stx);
    }
    return inode->volume->facts.timeout;
}
