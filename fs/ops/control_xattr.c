// SPDX-License-Identifier: BSD-2-Clause
#include "fs/ops/control_xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fs/vfs/attr.h"
#include "lib/class/class_root.h"
#include "lib/sys/cleanup.h"
#include "fs/vfs/file.h"
#include "lib/object/object.h"
#include "lib/object/pages.h"
#include "fs/process/upgrade.h"

#define SIZE_TEXT_MAX 32

static bool is_mount_root(const struct inode *inode)
{
    return inode->ref.id == NODE_ROOT_ID;
}

static int area_report(struct mount *mount, enum area_kind kind, struct shmap_area_status *status)
{
    status->passthrough = mount->facts.data_paths[kind].passthrough;
    strlcpy(status->reason, mount->facts.data_paths[kind].reason, sizeof(status->reason));
    return area_status(&mount->facts.areas[kind], status);
}

static void fill_life(const struct mount *mount, struct shmap_status *status)
{
    const struct life *life = &mount->state->life;

    status->pid = (uint64_t)getpid();
    status->keeper = (uint64_t)life->keeper;
    status->restarts = life->restarts;
    status->upgrades = life->upgrades;
    status->last_stall_us = life->last_stall / 1000;
    strlcpy(status->last_reason, life->last_reason, sizeof(status->last_reason));
    strlcpy(status->survival, mount->facts.survival, sizeof(status->survival));
    strlcpy(status->upgrade_error, mount->state->upgrade.refusal, sizeof(status->upgrade_error));
}

static char *mount_status(struct mount *mount)
{
    struct node_counts counts = node_table_counts(&mount->nodes);
    CLEANUP_FREE struct shmap_status *status = calloc(1, sizeof(*status));

    if (!status)
        return NULL;
    strlcpy(status->version, SHMAPFS_VERSION, sizeof(status->version));
    fill_life(mount, status);
    strlcpy(status->mountpoint, mount->facts.mountpoint, sizeof(status->mountpoint));
    strlcpy(status->store, mount->facts.store, sizeof(status->store));
    strlcpy(status->huge, mount->facts.areas[AREA_RAM].huge, sizeof(status->huge));
    strlcpy(status->transport, mount->facts.io_uring ? "io_uring" : "fuse",
            sizeof(status->transport));
    status->writeback = mount->facts.writeback;
    status->nodes = counts.nodes;
    status->open_files = counts.opens;
    status->descriptors = counts.descriptors;
    status->descriptors_max = counts.cached_max;
    if (area_report(mount, AREA_STORE, &status->store_area) != 0 ||
        area_report(mount, AREA_RAM, &status->ram_area) != 0)
        return NULL;
    return shmap_status_to_json(status);
}

/* Counts by a descriptor of its own, which only reads: what is open for the file, and leases that
 * tell who uses it, stay as they are. */
static int count_pages(struct inode *inode, struct shmap_pages *pages)
{
    int opened;

    do
        opened = inode_not_last(inode->mount, object_reopen(inode->fd, O_RDONLY | O_NONBLOCK));
    while (inode_make_room(inode->mount, &opened));
    CLEANUP_FD int fd = opened;
    int error = fd < 0 ? fd : pages_count(fd, pages);

    // Of a disk's file it is not what was swapped out, but what had been read.
    if (!error && inode->ref.area != AREA_RAM)
        pages->swapped = 0;
    return error;
}

static ssize_t get_pages(struct inode *inode, char **value)
{
    struct shmap_pages pages;
    int error = inode_is_regular(inode) ? count_pages(inode, &pages) : -ENODATA;

    if (error)
        return error;
    *value = pages_to_text(&pages, file_is_passthrough(inode));
    return *value ? (ssize_t)strlen(*value) : -ENOMEM;
}

ssize_t virtual_get(struct inode *inode, const char *name, char **value)
{
    if (strcmp(name, SHMAP_XATTR_PAGES) == 0)
        return get_pages(inode, value);
    if (strcmp(name, SHMAP_XATTR_CLASS) == 0)
        *value = strdup(shmap_class_name(inode->ref.class));
    else if (strcmp(name, SHMAP_XATTR_STATUS) == 0 && is_mount_root(inode))
        *value = mount_status(inode->mount);
    else
        return -ENODATA;
    return *value ? (ssize_t)strlen(*value) : -ENOMEM;
}

/* Whether a user may decide about a directory, or about the mount: who owns it, and root. */
static int check_owner(struct inode *inode, uid_t uid)
{
    struct statx stx;
    int error = object_stat(inode->fd, &stx);

    if (error)
        return error;
    return uid == 0 || uid == stx.stx_uid ? 0 : -EPERM;
}

/* An empty directory of the store becomes the root of an anonymous tree. */
static int make_anonymous(struct inode *inode)
{
    struct mount *mount = inode->mount;
    struct area *ram = &mount->facts.areas[AREA_RAM];
    KEEP_SETID(&mount->facts.cred, true);
    struct statx stx;
    int contents;
    int error = classroot_is_empty(inode->fd);

    if (error <= 0)
        return error < 0 ? error : -ENOTEMPTY;
    error = object_stat(inode->fd, &stx);
    // One that is there from before has another's owner and mode.
    if (!error)
        error = classroot_remove(ram, &stx);
    if (error)
        return error;
    contents = classroot_open(ram, inode->fd, &stx);
    if (contents < 0)
        return contents;
    error = classroot_mark(inode->fd, SHMAP_ANON);
    if (error) {
        close(contents);
        classroot_remove(ram, &stx);
        return error;
    }
    node_become_class_root(&mount->nodes, &inode->ref, AREA_RAM, SHMAP_ANON, contents);
    return 0;
}

/* A class root becomes a directory like its parent again. */
static int make_plain(struct inode *inode)
{
    struct mount *mount = inode->mount;
    int store_dir = inode->ref.held.io_fd;
    struct statx stx;
    int error = classroot_is_empty(inode->fd);

    if (error <= 0)
        return error < 0 ? error : -ENOTEMPTY;
    error = object_stat(store_dir, &stx);
    if (!error)
        error = classroot_unmark(store_dir);
    if (error)
        return error;
    classroot_remove(&mount->facts.areas[AREA_RAM], &stx);
    node_become_plain(&mount->nodes, &inode->ref, AREA_STORE, SHMAP_PERSIST);
    return 0;
}

static int set_class(struct inode *inode, enum shmap_class class)
{
    struct mount *mount = inode->mount;
    bool in_store = inode->ref.tree == AREA_STORE;
    int error;

    if (!inode_is_dir(inode))
        return -ENOTDIR;
    // Whatever is not anonymous needs a store, and a name in the store that leads to it.
    if (is_mount_root(inode) ? class != inode->ref.class : !in_store && class != SHMAP_ANON)
        return -EINVAL;
    if (class != SHMAP_PERSIST && class != SHMAP_ANON)
        return -EOPNOTSUPP;
    pthread_mutex_lock(&mount->class_roots);
    node_refresh(&mount->nodes, &inode->ref);
    inode->fd = inode->ref.held.path_fd;
    if (class == inode->ref.class)
        error = 0;
    else
        error = class == SHMAP_ANON ? make_anonymous(inode) : make_plain(inode);
    pthread_mutex_unlock(&mount->class_roots);
    // Size and times are now another directory's.
    attr_invalidate(inode->mount, inode->ref.id);
    return error;
}

static int set_size(struct inode *inode, const char *value, size_t size)
{
    char text[SIZE_TEXT_MAX + 1];
    uint64_t bytes;
    int error;

    if (size > SIZE_TEXT_MAX)
        return -EINVAL;
    memcpy(text, value, size);
    text[size] = '\0';
    error = ram_parse_size(text, &bytes);
    return error ? error : ram_resize(&inode->mount->facts.areas[AREA_RAM], bytes);
}

static bool is_upgrade(const char *name)
{
    return strcmp(name, SHMAP_XATTR_UPGRADE) == 0 || strcmp(name, SHMAP_XATTR_UPGRADE_TRUSTED) == 0;
}

/* Who names a binary has it executed with the rights of the daemon. For root's the kernel has asked
 * for the privilege of whoever sets a trusted attribute; a user's are the user's own. */
static bool may_upgrade(const struct mount *mount, uid_t uid, const char *name)
{
    return strcmp(name, SHMAP_XATTR_UPGRADE_TRUSTED) == 0 ||
           (!mount->facts.cred.privileged && uid == mount->facts.owner);
}

int virtual_set(struct inode *inode, uid_t uid, const char *name, const char *value, size_t size)
{
    enum shmap_class class;
    int error;

    if (strcmp(name, SHMAP_XATTR_SIZE) == 0 && is_mount_root(inode))
        return uid == 0 || uid == inode->mount->facts.owner ? set_size(inode, value, size) : -EPERM;
    if (is_upgrade(name) && is_mount_root(inode))
        return may_upgrade(inode->mount, uid, name) ? upgrade_request(inode->mount, value, size)
                                                    : -EPERM;
    error = check_owner(inode, uid);
    if (error)
        return error;
    if (strcmp(name, SHMAP_XATTR_CLASS) != 0)
        return -EPERM;
    error = shmap_class_parse(value, size, &class);
    return error ? error : set_class(inode, class);
}

int virtual_remove(struct inode *inode, uid_t uid, const char *name)
{
    int error = check_owner(inode, uid);

    if (error)
        return error;
    if (strcmp(name, SHMAP_XATTR_CLASS) != 0 || !inode_is_class_root(inode))
        return -ENODATA;
    return set_class(inode, SHMAP_PERSIST);
}
