// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/inode.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "fs/inode/backing.h"
#include "fs/inode/impersonate.h"
#include "lib/class/class_root.h"
#include "lib/sys/cleanup.h"
#include "fs/inode/reopen.h"
#include "lib/object/object.h"
#include "fs/vfs/reclaim.h"

/* What is closed at once when descriptors run out, so that it need not be done again soon. */
#define ROOM_DESCRIPTORS 16

/* What clients cannot use up: for the threads, at two each, and for whatever comes between. */
#define RESERVED_DESCRIPTORS 24

void inode_dispose(struct mount *mount, const struct node_resources *resources)
{
    if (resources->path_fd >= 0)
        close(resources->path_fd);
    if (resources->io_fd >= 0)
        close(resources->io_fd);
    if (resources->backing_id > 0)
        backing_close(mount, resources->backing_id);
    if (resources->orphan)
        space_came(mount);
}

static void dispose_batch(struct mount *mount)
{
    struct put_off *put_off = &mount->put_off;
    struct node_resources taken[PUT_OFF_MAX];
    unsigned count;

    pthread_mutex_lock(&put_off->mutex);
    count = put_off->count;
    memcpy(taken, put_off->resources, count * sizeof(taken[0]));
    put_off->count = 0;
    pthread_mutex_unlock(&put_off->mutex);
    for (unsigned i = 0; i < count; i++)
        inode_dispose(mount, &taken[i]);
}

void inode_dispose_put_off(struct mount *mount, bool wait)
{
    struct put_off *put_off = &mount->put_off;

    if (!wait && put_off->count == 0)
        return;
    if (wait)
        pthread_mutex_lock(&put_off->disposing);
    else if (pthread_mutex_trylock(&put_off->disposing) != 0)
        return;
    dispose_batch(mount);
    pthread_mutex_unlock(&put_off->disposing);
}

void inode_put_off(struct mount *mount, const struct node_resources *resources)
{
    struct put_off *put_off = &mount->put_off;
    bool done = false;

    // Who comes to receive sees to it; libfuse's own loop does not.
    if (!mount->facts.io_uring) {
        pthread_mutex_lock(&put_off->mutex);
        done = put_off->count < PUT_OFF_MAX;
        if (done)
            put_off->resources[put_off->count++] = *resources;
        pthread_mutex_unlock(&put_off->mutex);
    }
    if (!done)
        inode_dispose(mount, resources);
}

static void dispose_both(struct mount *mount, const struct node_resources leftover[2])
{
    inode_dispose(mount, &leftover[0]);
    inode_dispose(mount, &leftover[1]);
}

bool inode_make_room(struct mount *mount, int *result)
{
    struct node_resources taken;
    int closed = 0;

    if (*result != -EMFILE)
        return false;
    closed = (int)mount->put_off.count;
    inode_dispose_put_off(mount, true);
    while (closed < ROOM_DESCRIPTORS && node_shed(&mount->nodes, &taken)) {
        closed += taken.path_fd >= 0;
        inode_dispose(mount, &taken);
    }
    // Then it is the daemon's shortage, not the caller's.
    if (closed == 0)
        *result = -ENFILE;
    return closed > 0;
}

bool inode_is_last(const struct mount *mount, int fd)
{
    // The kernel gives out the lowest number there is.
    return fd >= mount->facts.descriptors_limit - RESERVED_DESCRIPTORS;
}

int inode_not_last(const struct mount *mount, int fd)
{
    if (fd < 0 || !inode_is_last(mount, fd))
        return fd;
    close(fd);
    return -EMFILE;
}

int inode_check_name(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || *name == '\0' || strchr(name, '/')
               ? -EINVAL
               : 0;
}

static int reopen(struct mount *mount, struct node_ref *ref)
{
    struct node_resources leftover[2];
    int fd;

    do
        fd = handle_open(mount, ref);
    while (inode_make_room(mount, &fd));
    if (fd < 0)
        return fd;
    node_lend_path(&mount->nodes, ref, fd, leftover);
    dispose_both(mount, leftover);
    return 0;
}

int inode_need_fd(struct inode *inode)
{
    int error = 0;

    if (inode->ref.held.path_fd < 0)
        error = reopen(inode->mount, &inode->ref);
    inode->fd = inode->ref.held.path_fd;
    return error;
}

int inode_hold(struct mount *mount, fuse_ino_t id, struct inode *inode)
{
    *inode = INODE_NONE;
    if (!node_use(&mount->nodes, id, &inode->ref))
        return -ESTALE;
    inode->mount = mount;
    inode->fd = inode->ref.held.path_fd;
    if (inode->ref.tree == AREA_STORE)
        caller_rest(mount);
    return 0;
}

/* Gives an inode whose node was just taken into use what makes it whole, or lets go of it. */
static int complete(struct mount *mount, struct inode *inode)
{
    int error;

    inode->mount = mount;
    error = inode_need_fd(inode);
    if (error)
        inode_release(inode);
    return error;
}

int inode_acquire(struct mount *mount, fuse_ino_t id, struct inode *inode)
{
    int error = inode_hold(mount, id, inode);

    return error ? error : complete(mount, inode);
}

void inode_release(struct inode *inode)
{
    struct node_resources leftover;

    if (!inode->mount)
        return;
    node_end(&inode->mount->nodes, &inode->ref, &leftover);
    inode_dispose(inode->mount, &leftover);
    inode->mount = NULL;
}

void inode_unlookup(struct inode *inode)
{
    struct mount *mount = inode->mount;
    struct node_resources leftover;
    uint64_t id = inode->ref.id;

    inode_release(inode);
    node_unlookup(&mount->nodes, mount_ledger(mount), id, &leftover);
    inode_dispose(mount, &leftover);
}

static struct node_key key_of(uint8_t tree, const struct statx *stx)
{
    return (struct node_key){ .ino = stx->stx_ino, .birth = object_birth(stx), .tree = tree };
}

static int claim(struct mount *mount, const struct node_seed *seed, int fd, struct inode *inode)
{
    struct node_resources leftover[2];
    int error;

    *inode = INODE_NONE;
    error = node_claim(&mount->nodes, mount_ledger(mount), seed, fd, &inode->ref, leftover);
    dispose_both(mount, leftover);
    return error ? error : complete(mount, inode);
}

/* The directory of a class root's contents. -ESTALE: it has ceased to be one since its class was
 * read; the kernel looks it up again. */
static int open_contents(struct mount *mount, int store_dir, const struct statx *stx)
{
    KEEP_SETID(&mount->facts.cred, true);
    enum shmap_class class;
    int contents;

    if (classroot_class(store_dir, &class) != 0 || class != SHMAP_ANON)
        return -ESTALE;
    do
        contents = classroot_open(&mount->facts.areas[AREA_RAM], store_dir, stx);
    while (inode_make_room(mount, &contents));
    return contents;
}

/* A directory of the store that was made anonymous: its contents are in the RAM area. `fd` is the
 * store directory's. */
static int claim_class_root(struct mount *mount, struct node_seed *seed, int fd, struct statx *stx,
                            struct inode *inode)
{
    CLEANUP_FD int store_dir = fd;
    int contents;
    int error;

    *inode = INODE_NONE;
    pthread_mutex_lock(&mount->class_roots);
    contents = open_contents(mount, store_dir, stx);
    error = contents < 0 ? contents : 0;
    if (!error) {
        seed->area = AREA_RAM;
        seed->class = SHMAP_ANON;
        seed->flags = NODE_CLASS_ROOT;
        error = claim(mount, seed, contents, inode);
    }
    if (!error && inode->ref.held.io_fd < 0) {
        node_set_io(&mount->nodes, &inode->ref, store_dir, 0);
        inode->ref.held.io_fd = steal_fd(&store_dir);
    }
    pthread_mutex_unlock(&mount->class_roots);
    if (error)
        return error;
    error = object_stat(inode->fd, stx);
    if (error)
        inode_unlookup(inode);
    return error;
}

int inode_adopt(struct inode *parent, const char *name, int fd, struct inode *inode,
                struct statx *stx)
{
    struct mount *mount = parent->mount;
    uint8_t area = parent->ref.area;
    struct node_seed seed = { .area = area, .class = parent->ref.class };
    CLEANUP_FD int found = fd;
    enum shmap_class own_class;
    int error = object_stat(found, stx);

    *inode = INODE_NONE;
    if (error)
        return error;
    if (makedev(stx->stx_dev_major, stx->stx_dev_minor) != mount->facts.areas[area].device)
        return -EXDEV;
    seed.key = key_of(area, stx);
    seed.type = stx->stx_mode >> 12;
    if (area == AREA_STORE && S_ISDIR(stx->stx_mode)) {
        error = classroot_class(found, &own_class);
        if (!error && own_class == SHMAP_ANON)
            return claim_class_root(mount, &seed, steal_fd(&found), stx, inode);
        // A later version's class, or nonsense: serving it as something else could lose what is in
        // it.
        if (!error && own_class != SHMAP_PERSIST)
            return -EOPNOTSUPP;
        if (error && error != -ENODATA)
            return error;
    }
    handle_of(parent, name, found, stx, &seed.handle);
    return claim(mount, &seed, steal_fd(&found), inode);
}

int inode_lookup(struct inode *parent, const char *name, struct inode *inode, struct statx *stx)
{
    int fd;

    *inode = INODE_NONE;
    do
        fd = object_open_in(parent->fd, name);
    while (inode_make_room(parent->mount, &fd));
    if (fd < 0)
        return fd;
    return inode_adopt(parent, name, fd, inode, stx);
}

int inode_of_key(struct mount *mount, const struct node_key *key, struct inode *inode)
{
    *inode = INODE_NONE;
    return node_use_key(&mount->nodes, key, &inode->ref) ? complete(mount, inode) : 0;
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
    return error ? error : inode_of_key(parent->mount, &key, inode);
}

void inode_name_removed(struct inode *inode, uint32_t links)
{
    struct statx stx;

    if (!inode->mount)
        return;
    if (!inode_is_dir(inode) && links != 1 &&
        (object_stat(inode->fd, &stx) != 0 || stx.stx_nlink > 0))
        return;
    node_unlinked(&inode->mount->nodes, &inode->ref);
}

int inode_make_root(struct mount *mount)
{
    uint8_t area = mount->facts.areas[AREA_STORE].root >= 0 ? AREA_STORE : AREA_RAM;
    struct node_seed seed = { .area = area,
                              .class = area == AREA_STORE ? SHMAP_PERSIST : SHMAP_ANON,
                              .type = S_IFDIR >> 12 };
    CLEANUP_FD int fd = object_reopen(mount->facts.areas[area].root, O_PATH);
    INODE struct inode inode = INODE_NONE;
    struct statx stx;
    int error = fd < 0 ? fd : object_stat(fd, &stx);

    if (error)
        return error;
    // No handle: the root's descriptor is always at hand.
    seed.key = key_of(area, &stx);
    return claim(mount, &seed, steal_fd(&fd), &inode);
}
