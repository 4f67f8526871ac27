// SPDX-License-Identifier: BSD-2-Clause
#include "fs/ops/control_xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fs/class/class_change.h"
#include "fs/inode/descriptors.h"
#include "fs/process/upgrade.h"
#include "fs/vfs/attr.h"
#include "fs/vfs/file.h"
#include "lib/object/object.h"
#include "lib/object/pages.h"
#include "lib/sys/cleanup.h"

#define SIZE_TEXT_MAX 32

static bool is_mount_root(const struct inode *inode)
{
    return inode->ref.id == NODE_ROOT_ID;
}

static int area_report(struct volume *volume, unsigned area, struct shmap_area_status *status)
{
    status->passthrough = volume->info.data_paths[area].passthrough;
    strlcpy(status->reason, volume->info.data_paths[area].reason, sizeof(status->reason));
    return area_status(volume_area(volume, area), status);
}

static void fill_life(const struct volume *volume, struct shmap_status *status)
{
    const struct life *life = &volume->state->life;

    status->pid = (uint64_t)getpid();
    status->keeper = (uint64_t)life->keeper;
    status->restarts = life->restarts;
    status->upgrades = life->upgrades;
    status->last_stall_us = life->last_stall / 1000;
    strlcpy(status->last_reason, life->last_reason, sizeof(status->last_reason));
    strlcpy(status->survival, volume->info.survival, sizeof(status->survival));
    strlcpy(status->upgrade_error, volume->state->upgrade.refusal, sizeof(status->upgrade_error));
}

static char *mount_status(struct volume *volume)
{
    struct node_counts counts = node_table_counts(&volume->nodes);
    CLEANUP_FREE struct shmap_status *status = calloc(1, sizeof(*status));

    if (!status)
        return NULL;
    strlcpy(status->version, SHMAPFS_VERSION, sizeof(status->version));
    fill_life(volume, status);
    strlcpy(status->mountpoint, volume->info.mountpoint, sizeof(status->mountpoint));
    strlcpy(status->store, volume->info.store, sizeof(status->store));
    strlcpy(status->huge, volume->info.areas[AREA_RAM].huge, sizeof(status->huge));
    strlcpy(status->transport, volume->info.io_uring ? "io_uring" : "fuse",
            sizeof(status->transport));
    status->writeback = volume->info.writeback;
    status->nodes = counts.nodes;
    status->open_files = counts.opens;
    status->descriptors = counts.descriptors;
    status->descriptors_max = counts.cached_max;
    if (area_report(volume, AREA_STORE, &status->store_area) != 0 ||
        area_report(volume, AREA_RAM, &status->ram_area) != 0)
        return NULL;
    return shmap_status_to_json(status);
}

/* Counts by a descriptor of its own, which only reads: what is open for the file, and leases that
 * tell who uses it, stay as they are. */
static int count_pages(struct inode *inode, struct shmap_pages *pages)
{
    int opened;

    do
        opened =
            descriptors_not_last(inode->volume, object_reopen(inode->fd, O_RDONLY | O_NONBLOCK));
    while (descriptors_make_room(inode->volume, &opened));
    CLEANUP_FD int fd = opened;
    int error = fd < 0 ? fd : pages_count(fd, pages);

    // Of a disk's file it is not what was swapped out, but what had been read.
    if (!error && !area_kind(inode->ref.area)->is_memory)
        pages->swapped = 0;
    return error;
}

static ssize_t get_pages(struct inode *inode, char **value)
{
    struct shmap_pages pages;
    int error = inode_is_regular(inode) ? count_pages(inode, &pages) : -ENODATA;

    if (error)
        return error;
    *value = pages_to_text(&pages, inode_is_passthrough(inode));
    return *value ? (ssize_t)strlen(*value) : -ENOMEM;
}

ssize_t virtual_get(struct inode *inode, const char *name, char **value)
{
    if (strcmp(name, SHMAP_XATTR_PAGES) == 0)
        return get_pages(inode, value);
    if (strcmp(name, SHMAP_XATTR_CLASS) == 0)
        *value = strdup(shmap_class_name(inode->ref.class));
    else if (strcmp(name, SHMAP_XATTR_STATUS) == 0 && is_mount_root(inode))
        *value = mount_status(inode->volume);
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

static int set_class(struct inode *inode, enum shmap_class class)
{
    int error = class_assign(inode, class);

    // Size and times are now another directory's.
    attr_invalidate(inode->volume, inode->ref.id);
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
    return error ? error : ram_resize(&inode->volume->info.areas[AREA_RAM], bytes);
}

static bool is_upgrade(const char *name)
{
    return strcmp(name, SHMAP_XATTR_UPGRADE) == 0 || strcmp(name, SHMAP_XATTR_UPGRADE_TRUSTED) == 0;
}

/* Who names a binary has it executed with the rights of the daemon. For root's the kernel has asked
 * for the privilege of whoever sets a trusted attribute; a user's are the user's own. */
static bool may_upgrade(const struct volume *volume, uid_t uid, const char *name)
{
    return strcmp(name, SHMAP_XATTR_UPGRADE_TRUSTED) == 0 ||
           (!volume->info.cred.privileged && uid == volume->info.owner);
}

int virtual_set(struct inode *inode, uid_t uid, const char *name, const char *value, size_t size)
{
    enum shmap_class class;
    int error;

    if (strcmp(name, SHMAP_XATTR_SIZE) == 0 && is_mount_root(inode))
        return uid == 0 || uid == inode->volume->info.owner ? set_size(inode, value, size) : -EPERM;
    if (is_upgrade(name) && is_mount_root(inode))
        return may_upgrade(inode->volume, uid, name)
                   ? upgrade_request(mount_of_volume(inode->volume), value, size)
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
