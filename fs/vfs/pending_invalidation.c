// SPDX-License-Identifier: BSD-2-Clause
#include "fs/vfs/pending_invalidation.h"

#include "fs/vfs/attr.h"
#include "fs/util/checksum.h"
#include "lib/object/object.h"

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
static void drop(struct mount *mount, uint64_t id)
{
    INODE struct inode inode = INODE_NONE;

    if (inode_hold(mount, id, &inode) == 0)
        node_flags(&mount->nodes, &inode.ref, 0, NODE_ATTR_CACHED);
    attr_invalidate(mount, id);
}

static bool is_unchanged(const struct inode *inode, uint64_t state, struct statx *stx)
{
    return inode->fd >= 0 && object_stat(inode->fd, stx) == 0 && state_of(stx) == state;
}

void stale_add(const struct inode *inode, const struct statx *stx)
{
    struct mount *mount = inode->mount;
    struct stale *stale = &mount->state->stale;
    struct stale_node *node;

    pthread_mutex_lock(&mount->stale);
    node = find(stale, inode->ref.id);
    if (node) {
        node->settling = false;
    } else {
        if (stale->count >= STALE_MAX) {
            drop(mount, stale->nodes[0].id);
            take_off(stale, &stale->nodes[0]);
        }
        stale->nodes[stale->count] =
            (struct stale_node){ .id = inode->ref.id, .state = state_of(stx) };
        stale->count++;
    }
    pthread_mutex_unlock(&mount->stale);
    ticker_wake(&mount->ticker);
}

void stale_writer_left(struct inode *inode)
{
    struct mount *mount = inode->mount;
    struct stale *stale = &mount->state->stale;
    struct stale_node *node;
    struct statx stx;

    if (stale->count == 0)
        return;
    pthread_mutex_lock(&mount->stale);
    node = find(stale, inode->ref.id);
    if (node && !is_unchanged(inode, node->state, &stx)) {
        drop(mount, inode->ref.id);
        take_off(stale, node);
    }
    pthread_mutex_unlock(&mount->stale);
}

/* Whether what the kernel has of a node is true, and stays so: it is not mapped, and was not changed
 * until after that was known. An empty file may be mapped: it has to grow before anything can be stored,
 * and the kernel asks after that. */
static bool is_true(struct mount *mount, const struct stale_node *node)
{
    INODE struct inode inode = INODE_NONE;
    struct statx stx;

    if (inode_hold(mount, node->id, &inode) != 0 || inode.ref.writers > 0 ||
        !is_unchanged(&inode, node->state, &stx))
        return false;
    if (stx.stx_size > 0 && (attr_may_change(&inode) || !is_unchanged(&inode, node->state, &stx)))
        return false;
    // A process that was killed may have cleared it, and not come to tell the kernel.
    node_flags(&mount->nodes, &inode.ref, NODE_ATTR_CACHED, 0);
    return true;
}

/* Chooses one and copies it; what becomes of it meanwhile is seen from the list. */
static bool begin_one(struct mount *mount, struct stale_node *chosen)
{
    struct stale *stale = &mount->state->stale;
    bool any;

    pthread_mutex_lock(&mount->stale);
    any = stale->count > 0;
    if (any) {
        stale->nodes[0].settling = true;
        *chosen = stale->nodes[0];
    }
    pthread_mutex_unlock(&mount->stale);
    return any;
}

/* Takes it off the list, unless it was opened again. */
static void end_one(struct mount *mount, uint64_t id)
{
    struct stale *stale = &mount->state->stale;
    struct stale_node *node;

    pthread_mutex_lock(&mount->stale);
    node = find(stale, id);
    if (node && node->settling)
        take_off(stale, node);
    pthread_mutex_unlock(&mount->stale);
}

bool stale_settle(struct mount *mount)
{
    uint32_t left = mount->state->stale.count;
    bool any = left > 0;
    struct stale_node node;

    // What comes meanwhile has time until the next look.
    for (; left > 0 && begin_one(mount, &node); left--) {
        if (!is_true(mount, &node))
            drop(mount, node.id);
        end_one(mount, node.id);
    }
    return any;
}

double stale_add_new(struct inode *inode, const struct statx *stx)
{
    if (attr_changes_unseen(inode)) {
        node_flags(&inode->mount->nodes, &inode->ref, NODE_ATTR_CACHED, 0);
        stale_add(inode, stx);
    }
    return inode->mount->facts.timeout;
}
