// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/inode.h"

#include <errno.h>
#include <string.h>

#include "fs/inode/deferred_close.h"
#include "fs/inode/descriptors.h"
#include "fs/inode/impersonate.h"
#include "fs/inode/reopen.h"
#include "lib/object/object.h"

static int give_descriptor(struct volume *volume, struct node_ref *ref)
{
    struct node_resources leftover[2];
    uint64_t since = 0;
    int fd;

    do
        fd = reopen_node(volume, ref);
    while (descriptors_await_room(volume, &fd, &since));
    if (fd < 0)
        return fd;
    node_lend_path(&volume->nodes, ref, fd, leftover);
    resources_close_both(volume, leftover);
    return 0;
}

int inode_need_fd(struct inode *inode)
{
    int error = 0;

    if (inode->ref.held.path_fd < 0)
        error = give_descriptor(inode->volume, &inode->ref);
    inode->fd = inode->ref.held.path_fd;
    return error;
}

int inode_complete(struct volume *volume, struct inode *inode)
{
    int error;

    inode->volume = volume;
    error = inode_need_fd(inode);
    if (error)
        inode_release(inode);
    return error;
}

static int use_node(struct volume *volume, fuse_ino_t id, struct inode *inode)
{
    *inode = INODE_NONE;
    if (!node_use(&volume->nodes, id, &inode->ref))
        return -ESTALE;
    inode->volume = volume;
    inode->fd = inode->ref.held.path_fd;
    return 0;
}

int inode_hold(struct volume *volume, fuse_ino_t id, struct inode *inode)
{
    int error = use_node(volume, id, inode);

    if (!error && area_kind(inode->ref.tree)->reserves_blocks)
        impersonate_none(volume);
    return error;
}

int inode_acquire(struct volume *volume, fuse_ino_t id, struct inode *inode)
{
    int error = inode_hold(volume, id, inode);

    return error ? error : inode_complete(volume, inode);
}

int inode_acquire_to_look(struct volume *volume, fuse_ino_t id, struct inode *inode)
{
    int error = use_node(volume, id, inode);

    return error ? error : inode_complete(volume, inode);
}

void inode_release(struct inode *inode)
{
    struct node_resources leftover;

    if (!inode->volume)
        return;
    node_end(&inode->volume->nodes, &inode->ref, &leftover);
    resources_close(inode->volume, &leftover);
    inode->volume = NULL;
}

void inode_unlookup(struct inode *inode)
{
    struct volume *volume = inode->volume;
    struct node_resources leftover;
    uint64_t id = inode->ref.id;

    inode_release(inode);
    node_unlookup(&volume->nodes, volume_ledger(volume), id, &leftover);
    resources_close(volume, &leftover);
}

int inode_of_key(struct volume *volume, const struct node_key *key, struct inode *inode)
{
    *inode = INODE_NONE;
    return node_use_key(&volume->nodes, key, &inode->ref) ? inode_complete(volume, inode) : 0;
}

int inode_key_of_name(const struct inode *parent, const char *name, struct node_key *key,
                      struct statx *stx)
{
    if (statx(parent->fd, name, AT_SYMLINK_NOFOLLOW, OBJECT_STATX_MASK, stx) != 0)
        return -errno;
    *key = inode_make_key(parent->ref.area, stx);
    return 0;
}

int inode_of_name(struct inode *parent, const char *name, struct inode *inode, struct statx *stx)
{
    struct node_key key;
    int error = inode_key_of_name(parent, name, &key, stx);

    *inode = INODE_NONE;
    return error ? error : inode_of_key(parent->volume, &key, inode);
}

void inode_name_removed(struct inode *inode, uint32_t links)
{
    if (!inode->volume || (!inode_is_dir(inode) && links != 1 && inode_has_name(inode)))
        return;
    if (inode_is_regular(inode) && reopen_without_name(inode->volume, &inode->ref))
        node_flags(&inode->volume->nodes, &inode->ref, NODE_HANDLE_LASTS, 0);
    node_unlinked(&inode->volume->nodes, &inode->ref);
}

int inode_stat(struct inode *inode, int fd, struct statx *stx)
{
    const struct volume *volume = inode->volume;
    uint8_t class;
    int error;

    // A class that has changed meanwhile may have left nothing where it was looked.
    do {
        class = inode->ref.class;
        error = object_stat(fd, stx);
        if (!error)
            inode_overlay(inode, stx);
        if (volume->state->file_classes && inode_is_regular(inode))
            node_refresh(&inode->volume->nodes, &inode->ref);
    } while (inode->ref.class != class);
    return error;
}
