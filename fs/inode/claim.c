// SPDX-License-Identifier: BSD-2-Clause
/* Claims a node for an object that was found, with the class that its marks give it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "fs/inode/deferred_close.h"
#include "fs/inode/descriptors.h"
#include "fs/inode/impersonate.h"
#include "fs/inode/inode.h"
#include "fs/inode/reopen.h"
#include "lib/class/class_root.h"
#include "lib/class/commit_mark.h"
#include "lib/class/file_mark.h"
#include "lib/class/lifetime.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

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
    return error ? error : inode_complete(volume, inode);
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
    // A caller who looks a class root up does not own what is made for the class.
    impersonate_none(volume);
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
    seed.key = inode_make_key((uint8_t)area, &stx);
    reopen_handle_of(volume, &parent, NULL, found, &stx, &seed.handle);
    error = node_use_object(&volume->nodes, &seed, steal_fd(&found), &inode->ref, leftover);
    resources_close_both(volume, leftover);
    return error ? error : inode_complete(volume, inode);
}

/* `plain`: a directory has no class of its own. */
static int adopt(struct inode *parent, const char *name, int fd, bool plain, struct inode *inode,
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
    seed.key = inode_make_key(area, stx);
    seed.type = stx->stx_mode >> 12;
    // Below a class whose names do not last there are no roots of other classes.
    if (inode_class(parent)->lasts && S_ISDIR(stx->stx_mode) && !plain)
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

int inode_adopt(struct inode *parent, const char *name, int fd, struct inode *inode,
                struct statx *stx)
{
    return adopt(parent, name, fd, false, inode, stx);
}

static int look_up(struct inode *parent, const char *name, bool plain, struct inode *inode,
                   struct statx *stx)
{
    uint64_t since = 0;
    int fd;

    *inode = INODE_NONE;
    do
        fd = object_open_in(parent->fd, name);
    while (descriptors_await_room(parent->volume, &fd, &since));
    if (fd < 0)
        return fd;
    return adopt(parent, name, fd, plain, inode, stx);
}

int inode_lookup(struct inode *parent, const char *name, struct inode *inode, struct statx *stx)
{
    return look_up(parent, name, false, inode, stx);
}

int inode_lookup_made(struct inode *parent, const char *name, bool plain, struct inode *inode,
                      struct statx *stx)
{
    // A worker of an earlier version may have made it, which did not say whether it has a class.
    plain = plain && !inode_is_of_others(parent) &&
            !request_is_repeated(volume_request(parent->volume));
    return look_up(parent, name, plain, inode, stx);
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
    seed.key = inode_make_key(seed.area, &stx);
    if (class->has_lifetimes)
        seed.flags = lifetime_flag(volume, fd);
    return claim_node(volume, &seed, steal_fd(&fd), &inode);
}
