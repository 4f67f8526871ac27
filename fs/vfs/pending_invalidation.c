// SPDX-License-Identifier: BSD-2-Clause
#include "fs/vfs/pending_invalidation.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/util/checksum.h"
#include "fs/util/ticker.h"
#include "fs/vfs/attr.h"
#include "lib/object/object.h"

/* The ticker looks after what is listed each so many times: most files are open for less than that,
 * even if their program waits for a processor meanwhile. */
#define LOOK_EVERY 4

/* Seconds. */
#define EXPIRES_SOON 1

struct pending_lock {
    struct lock lock;  // guards what is pending in the state, and:
    uint32_t openings; // that were listed, also by earlier workers; 0: it is not known yet
    // The ticker's alone:
    unsigned ticks; // since the last look
    bool due;       // it is time for one
};

/* Returns the highest number that a node which an earlier worker has listed has. */
static uint32_t last_opening(const struct pending_invalidations *pending)
{
    uint32_t last = 0;

    for (uint32_t i = 0; i < PENDING_INVALIDATIONS; i++) {
        if (i < pending->count && pending->nodes[i].opening > last)
            last = pending->nodes[i].opening;
    }
    return last;
}

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

/* Finds a listed node. The count is in shared memory, which a process that went wild may have
 * written to. */
static struct pending_invalidation *find_pending(struct pending_invalidations *pending, uint64_t id)
{
    if (pending->count > PENDING_INVALIDATIONS)
        pending->count = PENDING_INVALIDATIONS;
    for (uint32_t i = 0; i < pending->count; i++) {
        if (pending->nodes[i].id == id)
            return &pending->nodes[i];
    }
    return NULL;
}

static void remove_pending(struct pending_invalidations *pending, struct pending_invalidation *node)
{
    *node = pending->nodes[pending->count - 1];
    pending->count--;
}

/* Returns a fingerprint of a file, which any change through a mapping changes. Times alone do not
 * tell: they advance in steps of milliseconds. */
static uint64_t state_of(const struct statx *stx)
{
    uint64_t sum = checksum_word((uint64_t)stx->stx_ctime.tv_sec, stx->stx_ctime.tv_nsec);

    return checksum_word(checksum_word(sum, stx->stx_blocks), stx->stx_size);
}

/* Makes the kernel drop the attributes of a node, even if the node is gone: the kernel will not
 * know it either. */
static void invalidate(struct volume *volume, uint64_t id)
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

/* Returns whether the kernel drops a file's attributes by itself as soon as other hosts are
 * promised to see a change. To look after the file would be an open, of which all its servers
 * hear. */
static bool expires_soon(const struct inode *inode)
{
    const struct volume *volume = inode->volume;

    // The kernel may keep for longer what it got before the time was changed.
    return inode_is_of_others(inode) && volume->info.timeout <= EXPIRES_SOON &&
           volume->state->timeout == 0;
}

void pending_invalidation_add(const struct inode *inode, const struct statx *stx)
{
    struct volume *volume = inode->volume;
    struct pending_invalidations *pending = &volume->state->pending;
    struct pending_invalidation *node;

    if (expires_soon(inode))
        return;
    lock_take(&volume->pending->lock);
    node = find_pending(pending, inode->ref.id);
    if (!node) {
        if (pending->count >= PENDING_INVALIDATIONS) {
            invalidate(volume, pending->nodes[0].id);
            remove_pending(pending, &pending->nodes[0]);
        }
        node = &pending->nodes[pending->count];
        *node = (struct pending_invalidation){ .id = inode->ref.id, .state = state_of(stx) };
        pending->count++;
    }
    if (volume->pending->openings == 0)
        volume->pending->openings = last_opening(pending);
    node->opening = ++volume->pending->openings;
    lock_release(&volume->pending->lock);
    ticker_wake(volume->ticker);
}

void pending_invalidation_writer_left(struct inode *inode)
{
    struct volume *volume = inode->volume;
    struct pending_invalidations *pending = &volume->state->pending;
    struct pending_invalidation *node;
    struct pending_invalidation listed;
    struct statx stx;
    bool unchanged;

    if (pending->count == 0)
        return;
    lock_take(&volume->pending->lock);
    node = find_pending(pending, inode->ref.id);
    if (node)
        listed = *node;
    lock_release(&volume->pending->lock);
    if (!node)
        return;
    // Without the lock: the store may not answer, and files in RAM are listed, too.
    unchanged = is_unchanged(inode, listed.state, &stx);
    if (unchanged && stx.stx_size > 0)
        return;
    lock_take(&volume->pending->lock);
    node = find_pending(pending, inode->ref.id);
    if (node && !unchanged) {
        invalidate(volume, inode->ref.id);
        remove_pending(pending, node);
    } else if (node && node->opening == listed.opening &&
               node_flags_unless_writers(&volume->nodes, &inode->ref, NODE_ATTR_CACHED, 0)) {
        remove_pending(pending, node);
    }
    lock_release(&volume->pending->lock);
}

/* Returns whether what the kernel has of a node is true, and stays so: the file is not mapped, and
 * was not changed until after that was known. An empty file may be mapped
 * (pending_invalidation_writer_left() looks after most): it has to grow before anything can be
 * written to it, and the kernel asks after that. */
static bool is_still_true(struct volume *volume, const struct pending_invalidation *node)
{
    INODE struct inode inode = INODE_NONE;
    struct statx stx;
    bool mapped;

    // The kernel has forgotten the node, and what it had of it.
    if (inode_hold(volume, node->id, &inode) != 0)
        return true;
    if (inode.ref.writers > 0)
        return false;
    mapped = attr_may_change(&inode);
    if (!is_unchanged(&inode, node->state, &stx) || (mapped && stx.stx_size > 0))
        return false;
    // A process that was killed may have cleared the flag without telling the kernel.
    node_flags(&volume->nodes, &inode.ref, NODE_ATTR_CACHED, 0);
    return true;
}

/* Finds the first node whose contents are in the store, or in RAM. The lock is held. */
static struct pending_invalidation *find_first(struct volume *volume, bool in_store)
{
    struct pending_invalidations *pending = &volume->state->pending;

    for (uint32_t i = 0; i < pending->count && i < PENDING_INVALIDATIONS; i++) {
        if ((node_area(&volume->nodes, pending->nodes[i].id) == AREA_STORE) == in_store)
            return &pending->nodes[i];
    }
    return NULL;
}

bool pending_invalidation_waits(struct volume *volume, bool in_store)
{
    bool any;

    if (volume->state->pending.count == 0)
        return false;
    lock_take(&volume->pending->lock);
    any = find_first(volume, in_store) != NULL;
    lock_release(&volume->pending->lock);
    return any;
}

/* Chooses a node and copies its entry. */
static bool begin_one(struct volume *volume, bool in_store, struct pending_invalidation *chosen)
{
    struct pending_invalidation *node;

    lock_take(&volume->pending->lock);
    node = find_first(volume, in_store);
    if (node)
        *chosen = *node;
    lock_release(&volume->pending->lock);
    return node != NULL;
}

/* Takes a chosen node off the list, unless it was opened again. */
static void end_one(struct volume *volume, const struct pending_invalidation *chosen)
{
    struct pending_invalidations *pending = &volume->state->pending;
    struct pending_invalidation *node;

    lock_take(&volume->pending->lock);
    node = find_pending(pending, chosen->id);
    if (node && node->opening == chosen->opening)
        remove_pending(pending, node);
    lock_release(&volume->pending->lock);
}

bool pending_invalidation_settle_one(struct volume *volume, bool in_store)
{
    struct pending_invalidation node;

    if (!begin_one(volume, in_store, &node))
        return false;
    if (!is_still_true(volume, &node))
        invalidate(volume, node.id);
    end_one(volume, &node);
    return true;
}

bool pending_invalidation_settle(struct volume *volume)
{
    struct pending_lock *pending = volume->pending;
    uint32_t left = volume->state->pending.count;
    bool any = left > 0;

    pending->ticks = any ? pending->ticks + 1 : 0;
    pending->due = pending->ticks == LOOK_EVERY;
    if (!pending->due)
        return any;
    pending->ticks = 0;
    // Files that are listed meanwhile can wait until the next look.
    while (left > 0 && pending_invalidation_settle_one(volume, false))
        left--;
    return true;
}

bool pending_invalidation_is_due(const struct volume *volume)
{
    return volume->pending->due;
}

double pending_invalidation_add_new(struct inode *inode, const struct statx *stx)
{
    if (attr_changes_unseen(inode)) {
        node_flags(&inode->volume->nodes, &inode->ref, NODE_ATTR_CACHED, 0);
        pending_invalidation_add(inode, stx);
    }
    return volume_timeout(inode->volume);
}
