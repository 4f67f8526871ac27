// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/inode.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "fs/inode/deferred_close.h"
#include "fs/inode/descriptors.h"
#include "fs/inode/impersonate.h"
#include "fs/inode/reopen.h"
#include "lib/class/class_root.h"
#include "lib/class/commit_mark.h"
#include "lib/class/file_mark.h"
#include "lib/class/lifetime.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

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

int inode_hold(struct volume *volume, fuse_ino_t id, struct inode *inode)
{
    *inode = INODE_NONE;
    if (!node_use(&volume->nodes, id, &inode->ref))
        return -ESTALE;
    inode->volume = volume;
    inode->fd = inode->ref.held.path_fd;
    if (area_kind(inode->ref.tree)->reserves_blocks)
        impersonate_none(volume);
    return 0;
}

/* Gives an inode whose node was just taken into use the rest of it; on an error, ends the use. */
static int complete_inode(struct volume *volume, struct inode *inode)
{
    int error;

    inode->volume = volume;
    error = inode_need_fd(inode);
    if (error)
        inode_release(inode);
    return error;
}

int inode_acquire(struct volume *volume, fuse_ino_t id, struct inode *inode)
{
    int error = inode_hold(volume, id, inode);

    return error ? error : complete_inode(volume, inode);
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

static struct node_key key_of(uint8_t tree, const struct statx *stx)
{
    return (struct node_key){ .ino = stx->stx_ino, .birth = object_birth(stx), .tree = tree };
}

static int claim_node(struct volume *volume, const struct node_seed *seed, int fd,
                      struct inode *inode)
{
    struct node_resources leftover[2];
    int error;

    *inode = INODE_NONE;
    if (volume_is_shared(volume))
        reopen_part(volume, seed);
    error = node_claim(&volume->nodes, volume_ledger(volume), seed, fd, &inode->ref, leftover);
    if (!error && volume_is_shared(volume))
        reopen_follow(volume, &inode->ref, seed, leftover[0].path_fd);
    resources_close_both(volume, leftover);
    return error ? error : complete_inode(volume, inode);
}

/* Returns the flag for what is marked with a lifetime. */
static uint16_t lifetime_flag(struct volume *volume, int fd)
{
    if (!lifetime_get(fd).last_close)
        return 0;
    volume->state->lifetimes = 1;
    return NODE_LAST_CLOSE;
}

/* Makes the node of a plain directory that of a class root, which another host has made it since
 * the kernel learned of it. volume->class_roots is held. */
static int follow_class(struct volume *volume, const struct class *class, int named_dir,
                        const struct statx *stx, struct inode *inode)
{
    unsigned area = class->area;
    int contents = class->open_contents(volume, named_dir, stx, &area);

    if (contents < 0)
        return contents;
    node_become_class_root(&volume->nodes, &inode->ref, (uint8_t)area, (uint8_t) class->word,
                           contents);
    node_refresh(&volume->nodes, &inode->ref);
    inode->fd = inode->ref.held.path_fd;
    return 0;
}

/* Claims the node of a class root whose contents are elsewhere. `fd` is the directory that carries
 * its name. */
static int claim_class_root(struct volume *volume, const struct class *class,
                            struct node_seed *seed, int fd, struct statx *stx, struct inode *inode)
{
    CLEANUP_FD int named_dir = fd;
    unsigned area = class->area;
    int contents;
    int error;

    *inode = INODE_NONE;
    if (class->prepare_contents)
        class->prepare_contents(volume, named_dir, stx);
    lock_take(&volume->class_roots);
    contents = class->open_contents(volume, named_dir, stx, &area);
    error = contents < 0 ? contents : 0;
    if (!error) {
        seed->area = (uint8_t)area;
        seed->class = (uint8_t) class->word;
        seed->flags = NODE_CLASS_ROOT;
        if (class->has_lifetimes)
            seed->flags |= lifetime_flag(volume, contents);
        error = claim_node(volume, seed, contents, inode);
    }
    if (!error && !inode_is_class_root(inode))
        error = follow_class(volume, class, named_dir, stx, inode);
    if (!error)
        node_set_payer(&volume->nodes, &inode->ref, stx->stx_uid);
    if (!error && inode->ref.held.io_fd < 0) {
        node_set_io(&volume->nodes, &inode->ref, named_dir, 0);
        inode->ref.held.io_fd = steal_fd(&named_dir);
    }
    lock_release(&volume->class_roots);
    if (error)
        return error;
    error = object_stat(inode->fd, stx);
    if (error)
        inode_unlookup(inode);
    return error;
}

/* Finds the class that a directory was given; NULL: none of its own. -EOPNOTSUPP: the mount cannot
 * have it; -EIO: a class of a later version, or nonsense. Serving it as another class could lose
 * what is in it. */
static int find_class(const struct volume *volume, int dir, const struct class **class)
{
    enum shmap_class word;
    int error = class_root_class(dir, &word);

    *class = error ? NULL : volume->classes[word];
    if (!error && (*class)->check)
        error = (*class)->check(volume);
    return error == -ENODATA ? 0 : error;
}

/* Finds the class that a file was given for itself, if it has another one than its directory. */
static int find_file_class(const struct volume *volume, int fd, struct node_seed *seed)
{
    enum shmap_class word;
    const struct class *class;
    int error = file_mark_get_next(fd, &word);

    if (!error)
        seed->flags |= NODE_CHANGES_CLASS;
    error = file_mark_get(fd, &word);
    if (error)
        return error == -ENODATA ? 0 : error;
    if (word != SHMAP_ANON && !volume->classes[word]->lasts)
        return -EIO;
    seed->class = word == SHMAP_ANON ? CLASS_ANON_FILE : (uint8_t)word;
    class = volume->classes[seed->class];
    return class->check ? class->check(volume) : 0;
}

static bool may_have_lifetime(const struct volume *volume, const struct node_seed *seed)
{
    return volume->classes[seed->class]->has_lifetimes &&
           (seed->type == S_IFREG >> 12 || seed->type == S_IFDIR >> 12);
}

/* Returns the policy of what is in a directory, by which files are committed. */
static uint16_t find_policy(const struct inode *parent, const struct node_seed *seed, int fd)
{
    const struct class *class = parent->volume->classes[seed->class];

    if (!class->contents)
        return 0;
    if (!parent->volume->state->caches_class)
        state_set_cached_class(parent->volume->state, CACHES_CLASS);
    return seed->type == S_IFDIR >> 12 ? commit_mark_policy(fd, parent->ref.policy)
                                       : parent->ref.policy;
}

int inode_of_object(struct volume *volume, unsigned area, enum shmap_class class, int fd,
                    struct inode *inode)
{
    struct node_seed seed = { .area = (uint8_t)area,
                              .class = (uint8_t) class,
                              .flags = NODE_LAST_CLOSE,
                              .type = S_IFREG >> 12 };
    struct node_ref parent = { .area = (uint8_t)area };
    struct node_resources leftover[2];
    CLEANUP_FD int found = fd;
    struct statx stx;
    int error = object_stat(found, &stx);

    *inode = INODE_NONE;
    if (error)
        return error;
    seed.key = key_of((uint8_t)area, &stx);
    reopen_handle_of(volume, &parent, NULL, found, &stx, &seed.handle);
    error = node_use_object(&volume->nodes, &seed, steal_fd(&found), &inode->ref, leftover);
    resources_close_both(volume, leftover);
    return error ? error : complete_inode(volume, inode);
}

int inode_adopt(struct inode *parent, const char *name, int fd, struct inode *inode,
                struct statx *stx)
{
    struct volume *volume = parent->volume;
    uint8_t area = parent->ref.area;
    struct node_seed seed = { .area = area,
                              .class = parent->ref.class,
                              .flags = class_flags_below(parent->ref.class) };
    CLEANUP_FD int found = fd;
    const struct class *own_class = NULL;
    int error = object_stat(found, stx);

    *inode = INODE_NONE;
    if (error)
        return error;
    if (makedev(stx->stx_dev_major, stx->stx_dev_minor) != volume_area(volume, area)->device)
        return -EXDEV;
    seed.key = key_of(area, stx);
    seed.type = stx->stx_mode >> 12;
    // Below a class whose names do not last there are no roots of other classes.
    if (inode_class(parent)->lasts && S_ISDIR(stx->stx_mode))
        error = find_class(volume, found, &own_class);
    if (error)
        return error;
    if (own_class && own_class->open_contents)
        return claim_class_root(volume, own_class, &seed, steal_fd(&found), stx, inode);
    if (own_class)
        seed.class = (uint8_t)own_class->word;
    if (S_ISREG(stx->stx_mode) && volume->state->file_classes && inode_class(parent)->lasts)
        error = find_file_class(volume, found, &seed);
    if (error)
        return error;
    seed.policy = find_policy(parent, &seed, found);
    if (volume_has_lifetimes(volume) && may_have_lifetime(volume, &seed))
        seed.flags |= lifetime_flag(volume, found);
    reopen_handle_of(volume, &parent->ref, name, found, stx, &seed.handle);
    return claim_node(volume, &seed, steal_fd(&found), inode);
}

int inode_lookup(struct inode *parent, const char *name, struct inode *inode, struct statx *stx)
{
    uint64_t since = 0;
    int fd;

    *inode = INODE_NONE;
    do
        fd = object_open_in(parent->fd, name);
    while (descriptors_await_room(parent->volume, &fd, &since));
    if (fd < 0)
        return fd;
    return inode_adopt(parent, name, fd, inode, stx);
}

int inode_of_key(struct volume *volume, const struct node_key *key, struct inode *inode)
{
    *inode = INODE_NONE;
    return node_use_key(&volume->nodes, key, &inode->ref) ? complete_inode(volume, inode) : 0;
}

int inode_key_of_name(const struct inode *parent, const char *name, struct node_key *key,
                      struct statx *stx)
{
    if (statx(parent->fd, name, AT_SYMLINK_NOFOLLOW, OBJECT_STATX_MASK, stx) != 0)
        return -errno;
    *key = key_of(parent->ref.area, stx);
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

/* Returns the class of the mount's root: the first that has an area. */
static const struct class *root_class(const struct volume *volume)
{
    unsigned word = 0;

    while (!volume_has_area(volume, volume->classes[word]->area))
        word++;
    return volume->classes[word];
}

int inode_make_root(struct volume *volume)
{
    const struct class *class = root_class(volume);
    struct node_seed seed = { .area = (uint8_t) class->area,
                              .class = (uint8_t) class->word,
                              .type = S_IFDIR >> 12 };
    CLEANUP_FD int fd = object_reopen(volume_area(volume, class->area)->root, O_PATH);
    INODE struct inode inode = INODE_NONE;
    struct statx stx;
    int error = fd < 0 ? fd : object_stat(fd, &stx);

    if (error)
        return error;
    // No handle: the root's descriptor is always at hand.
    seed.key = key_of(seed.area, &stx);
    if (class->has_lifetimes)
        seed.flags = lifetime_flag(volume, fd);
    return claim_node(volume, &seed, steal_fd(&fd), &inode);
}
