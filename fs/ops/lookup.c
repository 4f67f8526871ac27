// SPDX-License-Identifier: BSD-2-Clause
/* Lookups of names, and the forgetting of nodes. */
#include <errno.h>

#include "fs/inode/deferred_close.h"
#include "fs/lifetime/last_close.h"
#include "fs/ops/ops.h"
#include "fs/outage/known_root.h"
#include "fs/outage/store_watch.h"
#include "fs/util/fault.h"
#include "fs/vfs/attr.h"

int fill_entry(struct inode *inode, uint64_t mark, struct statx *stx,
               struct fuse_entry_param *entry)
{
    int error;

    *entry = (struct fuse_entry_param){ .ino = inode->ref.id,
                                        .entry_timeout = volume_timeout(inode->volume) };
    last_close_looked_up(inode);
    error = attr_confirm(inode, mark, stx, &entry->attr_timeout);
    attr_to_stat(inode, stx, &entry->attr);
    return error;
}

/* Replies with an inode that a lookup was counted for, and whose attributes were read after the
 * mark; takes the lookup back if the reply does not arrive. After a change (`changed`) the kernel
 * is not to keep the attributes if further changes may come unseen. */
void reply_inode(fuse_req_t req, struct inode *inode, uint64_t mark, struct statx *stx,
                 bool changed)
{
    struct fuse_entry_param entry;
    int error = fill_entry(inode, mark, stx, &entry);

    if (changed && attr_changes_unseen(inode))
        entry.attr_timeout = 0;
    if (error)
        reply_err(req, -error);
    else
        error = reply_entry(req, &entry);
    if (error)
        inode_unlookup(inode);
}

/* Looks up a name that leads to a file which is still there. */
static int look_up(struct inode *dir, const char *name, struct inode *inode, struct statx *stx)
{
    int error = inode_lookup(dir, name, inode, stx);

    while (!error && !last_close_is_there(inode)) {
        inode_unlookup(inode);
        inode_release(inode);
        *inode = INODE_NONE;
        error = inode_lookup(dir, name, inode, stx);
    }
    return error;
}

/* Looks up a name in the directory of an id. An anonymous directory can be found while the store
 * does not answer, or its client is gone. */
static int look_up_below(struct volume *volume, fuse_ino_t parent, const char *name,
                         struct inode *inode, struct statx *stx)
{
    INODE struct inode dir = INODE_NONE;
    uint64_t known = store_watch_is_silent(volume) ? known_root_find(volume, parent, name) : 0;
    int error;

    if (known)
        return known_root_look_up(volume, known, inode, stx);
    error = inode_acquire_to_look(volume, parent, &dir);
    if (!error)
        error = look_up(&dir, name, inode, stx);
    // On a store of several hosts the directory itself may have gone, and another have its name.
    if (error == -ENOENT && dir.volume && inode_is_gone(&dir))
        error = -ESTALE;
    if (store_watch_is_outage(error))
        known = known_root_find(volume, parent, name);
    return known ? known_root_look_up(volume, known, inode, stx) : error;
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct volume *volume = volume_of(req);
    INODE struct inode inode = INODE_NONE;
    uint64_t mark = attr_mark(volume);
    struct statx stx;
    int error = inode_check_name(volume, parent, name);

    if (!error)
        error = look_up_below(volume, parent, name, &inode, &stx);
    if (error == -ENOENT || inode_hides(volume, parent, name)) {
        // The reply names no node: the kernel remembers that there is nothing by that name.
        reply_entry(req, &(struct fuse_entry_param){ .entry_timeout = volume_timeout(volume) });
    } else if (error) {
        reply_err(req, -error);
    } else {
        reply_inode(req, &inode, mark, &stx, false);
    }
}

/* Ends the contents of a file without a name that the kernel forgets. A process that dies before it
 * has forgotten the node as well leaves both to the next one. */
static void end_contents(struct volume *volume, fuse_ino_t id, uint64_t lookups)
{
    INODE struct inode inode = INODE_NONE;

    if ((!volume->state->caches_class && !volume->state->file_classes) ||
        !node_use_last(&volume->nodes, id, lookups, &inode.ref))
        return;
    inode.volume = volume;
    if (inode_contents(&inode) && inode_is_nameless(&inode))
        inode_contents(&inode)->gone(&inode);
}

static void forget(struct volume *volume, fuse_ino_t id, uint64_t lookups)
{
    struct node_resources leftover;

    end_contents(volume, id, lookups);
    node_forget(&volume->nodes, volume_ledger(volume), id, lookups, &leftover);
    deferred_close_add(volume, &leftover);
    fault_point(FAULT_IN_FORGET);
}

/* Returns how many forgets of this request were carried out by a process that died before it had
 * finished them. */
static uint64_t forgotten(struct volume *volume)
{
    struct node_ledger *ledger = volume_ledger(volume);

    return ledger ? node_ledger_forgotten(&volume->nodes, ledger) : 0;
}

void op_forget(fuse_req_t req, fuse_ino_t id, uint64_t lookups)
{
    struct volume *volume = volume_of(req);

    if (forgotten(volume) == 0)
        forget(volume, id, lookups);
    reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    struct volume *volume = volume_of(req);

    volume->forgetting++;
    for (size_t i = forgotten(volume); i < count; i++)
        forget(volume, forgets[i].ino, forgets[i].nlookup);
    volume->forgetting--;
    reply_none(req);
}
