// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names that go: unlink, rmdir, rename.
 *
 * What loses its last name may still be in use: open, about to be opened by somebody who has just
 * looked it up, or somebody's working directory. So the node is taken into use before the name
 * goes; from then on its descriptor keeps it until the kernel forgets it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "classroot.h"
#include "handle.h"
#include "object.h"
#include "ops.h"

/* After a name of the node went: was it the last one? */
static void name_removed(struct inode *inode)
{
    struct node_resources leftover;
    struct statx stx;

    if (!inode->mount)
        return;
    if (!inode_is_dir(inode) && (object_stat(inode->fd, &stx) != 0 || stx.stx_nlink > 0))
        return;
    node_unlinked(&inode->mount->nodes, &inode->ref, &leftover);
    inode_dispose(inode->mount, &leftover);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    INODE struct inode dir = INODE_NONE;
    INODE struct inode victim = INODE_NONE;
    struct statx stx;
    int error = inode_check_name(name);

    if (!error)
        error = inode_acquire(mount_of(req), parent, &dir);
    if (!error)
        error = inode_of_name(&dir, name, &victim, &stx);
    if (!error && unlinkat(dir.fd, name, 0) != 0)
        error = -errno;
    if (!error)
        name_removed(&victim);
    fuse_reply_err(req, -error);
}

/*
 * A name that is about to go. For a directory it is looked up, for at a class root the contents are
 * elsewhere, and the store's own rmdir would not miss them. The kernel holds the directory's lock:
 * nothing can be created in it meanwhile.
 */
static int victim_find(struct inode *dir, const char *name, struct inode *victim, bool *counted)
{
    struct statx stx;
    int error = inode_of_name(dir, name, victim, &stx);

    *counted = false;
    if (error || !S_ISDIR(stx.stx_mode))
        return error;
    inode_release(victim);
    error = inode_lookup(dir, name, victim, &stx);
    *counted = !error;
    if (error || !inode_is_class_root(victim))
        return error;
    error = classroot_is_empty(victim->fd);
    return error == 0 ? -ENOTEMPTY : error < 0 ? error : 0;
}

/* The store directory of the class root is gone: so is the place of its contents. */
static void drop_contents(struct inode *class_root)
{
    struct mount *mount = class_root->mount;
    struct statx stx;

    pthread_mutex_lock(&mount->class_roots);
    if (object_stat(class_root->ref.held.io_fd, &stx) == 0)
        classroot_remove(&mount->areas[AREA_RAM], &stx);
    pthread_mutex_unlock(&mount->class_roots);
}

static void victim_done(struct inode *victim, bool counted, bool removed)
{
    if (!victim->mount)
        return;
    if (removed && inode_is_class_root(victim))
        drop_contents(victim);
    if (removed)
        name_removed(victim);
    if (counted)
        inode_unlookup(victim);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    INODE struct inode dir = INODE_NONE;
    INODE struct inode victim = INODE_NONE;
    bool counted = false;
    int error = inode_check_name(name);

    if (!error)
        error = inode_acquire(mount_of(req), parent, &dir);
    if (!error)
        error = victim_find(&dir, name, &victim, &counted);
    if (!error && unlinkat(dir.fd, name, AT_REMOVEDIR) != 0)
        error = -errno;
    victim_done(&victim, counted, !error);
    fuse_reply_err(req, -error);
}

static int rename_in(struct inode *from, const char *name, struct inode *to, const char *new_name,
                     unsigned flags)
{
    INODE struct inode victim = INODE_NONE;
    bool counted = false;
    bool replaces;
    int error;

    if (from->ref.area != to->ref.area)
        return -EXDEV;
    error = victim_find(to, new_name, &victim, &counted);
    replaces = !error && !(flags & (RENAME_EXCHANGE | RENAME_NOREPLACE));
    // Where nothing is replaced, what is there need not be empty, and what is wrong is for rename
    // to say.
    if (error == -ENOENT || (flags & (RENAME_EXCHANGE | RENAME_NOREPLACE)))
        error = 0;
    if (!error)
        error = handle_rename(from, name, to, new_name, flags);
    victim_done(&victim, counted, !error && replaces);
    return error;
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags)
{
    struct mount *mount = mount_of(req);
    INODE struct inode from = INODE_NONE;
    INODE struct inode to = INODE_NONE;
    int error = inode_check_name(name);

    if (!error)
        error = inode_check_name(new_name);
    if (!error)
        error = inode_acquire(mount, parent, &from);
    if (!error)
        error = inode_acquire(mount, new_parent, &to);
    if (!error)
        error = rename_in(&from, name, &to, new_name, flags);
    fuse_reply_err(req, -error);
}
