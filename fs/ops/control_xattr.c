// SPDX-License-Identifier: BSD-2-Clause
#include "fs/ops/control_xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/class/area_attribute.h"
#include "fs/class/classes.h"
#include "fs/class/lifetime_mark.h"
#include "fs/class/mirror.h"
#include "fs/hosts/presence.h"
#include "fs/inode/descriptors.h"
#include "fs/journal/commit_attribute.h"
#include "fs/journal/point_attribute.h"
#include "fs/mount/mount.h"
#include "fs/ops/mount_status.h"
#include "fs/outage/store_watch.h"
#include "fs/process/upgrade.h"
#include "fs/single/file_class.h"
#include "fs/vfs/attr.h"
#include "fs/vfs/file_size.h"
#include "lib/api/pages.h"
#include "lib/api/shmap_hosts.h"
#include "lib/api/shmap_save.h"
#include "lib/class/skeleton.h"
#include "lib/latency/latency.h"
#include "lib/object/object.h"
#include "lib/object/reserve.h"
#include "lib/sys/cleanup.h"

#define SIZE_TEXT_MAX 32

struct control_xattr {
    const char *name;
    bool mount_root; // only the root of the mount has it

    /* Finds the value, for free(); returns 0 or a negative errno. NULL: it cannot be read. */
    int (*get)(struct inode *inode, char **value);
    bool (*may_get)(const struct inode *inode, uid_t uid); // NULL: everybody
    int (*set)(struct inode *inode, const char *value, size_t size);
    bool (*may_set)(const struct inode *inode, uid_t uid);
    // Returns whether a value sets a limit, as the mount's owner may alone; NULL: none does.
    bool (*is_limit)(const char *value, size_t size);
    int (*remove)(
        struct inode *inode); // the owner of the file or directory may (control_xattr_remove)
    bool (*is_set)(const struct inode *inode); // there is something to remove
};

/* Returns whether a user is root, or the owner of the file or directory. */
static bool is_owner(const struct inode *inode, uid_t uid)
{
    struct statx stx;

    return object_stat(inode->fd, &stx) == 0 && (uid == 0 || uid == stx.stx_uid);
}

static bool is_mount_owner(const struct inode *inode, uid_t uid)
{
    return uid == 0 || uid == inode->volume->info.owner;
}

static int get_class(struct inode *inode, char **value)
{
    *value = strdup(shmap_class_name(inode_class(inode)->word));
    return 0;
}

static bool has_class(const struct inode *inode)
{
    return inode_is_class_root(inode) || store_class_begins(inode) || file_class_is_own(inode);
}

static int remove_class(struct inode *inode)
{
    const char *word;

    if (!has_class(inode))
        return -ENODATA;
    if (inode_is_regular(inode))
        return file_class_remove(inode);
    word = shmap_class_name(store_class_above(inode));
    return area_attribute_set_class(inode, word, strlen(word));
}

/* Only a class root has a skeleton apart from its contents. */
static bool has_skeleton(const struct inode *inode)
{
    return inode_is_class_root(inode) && inode_class(inode)->keeps_skeletons;
}

static int get_skeleton(struct inode *inode, char **value)
{
    if (!has_skeleton(inode))
        return -ENODATA;
    *value = strdup(skeleton_is_kept(inode->ref.held.io_fd) ? "1" : "0");
    return 0;
}

static int set_skeleton(struct inode *inode, const char *value, size_t size)
{
    if (size != 1 || (*value != '0' && *value != '1'))
        return -EINVAL;
    return mirror_switch(inode, *value == '1');
}

static int remove_skeleton(struct inode *inode)
{
    return has_skeleton(inode) ? mirror_switch(inode, false) : -ENODATA;
}

static bool has_lifetime(const struct inode *inode)
{
    return inode_is_dir(inode) && (inode->ref.flags & NODE_LAST_CLOSE);
}

static int get_status(struct inode *inode, char **value)
{
    *value = mount_status(inode->volume);
    return 0;
}

static int get_hosts(struct inode *inode, char **value)
{
    return store_watch_is_silent(inode->volume) ? -EIO : presence_list(inode->volume, value);
}

/* Copies a value as a string of at most SIZE_TEXT_MAX characters. */
static int copy_text(const char *value, size_t size, char *text)
{
    if (size > SIZE_TEXT_MAX)
        return -EINVAL;
    memcpy(text, value, size);
    text[size] = '\0';
    return 0;
}

static int set_size(struct inode *inode, const char *value, size_t size)
{
    char text[SIZE_TEXT_MAX + 1];
    uint64_t bytes;
    int error = copy_text(value, size, text);

    if (!error)
        error = ram_parse_size(text, &bytes);
    return error ? error : ram_resize(volume_area(inode->volume, AREA_RAM), bytes);
}

/* Counts the pages by a descriptor of its own, which only reads: the file's open descriptors, and
 * leases that tell who uses it, stay as they are. */
static int count_pages(struct inode *inode, struct shmap_pages *pages)
{
    uint64_t since = 0;
    int opened;

    do
        opened =
            descriptors_not_last(inode->volume, object_reopen(inode->fd, O_RDONLY | O_NONBLOCK));
    while (descriptors_await_room(inode->volume, &opened, &since));
    CLEANUP_FD int fd = opened;
    int error = fd < 0 ? fd : pages_count(fd, pages);

    // For a file on a disk this number is not what was swapped out, but what had been read.
    if (!error && !area_kind(inode->ref.area)->is_memory)
        pages->swapped = 0;
    return error;
}

static int get_pages(struct inode *inode, char **value)
{
    struct shmap_pages pages;
    int error = inode_is_regular(inode) ? count_pages(inode, &pages) : -ENODATA;

    if (!error)
        *value = pages_to_text(&pages, inode_is_passthrough(inode));
    return error;
}

static int get_reserve(struct inode *inode, char **value)
{
    uint64_t bytes = inode_is_regular(inode) ? reserve_get(inode->fd) : 0;

    if (bytes == 0)
        return -ENODATA;
    if (asprintf(value, "%" PRIu64, bytes) < 0)
        *value = NULL;
    return 0;
}

static bool has_reserve(const struct inode *inode)
{
    return inode_is_regular(inode) && reserve_get(inode->fd) > 0;
}

static int change_reserve(struct inode *inode, uint64_t bytes)
{
    int error = file_reserve(inode, bytes);

    attr_invalidate(inode->volume, inode->ref.id);
    return error;
}

static int set_reserve(struct inode *inode, const char *value, size_t size)
{
    char text[SIZE_TEXT_MAX + 1];
    uint64_t bytes;
    int error = copy_text(value, size, text);

    if (!error)
        error = strchr(text, '%') ? -EINVAL : shmap_size_parse(text, 0, &bytes);
    return error ? error : change_reserve(inode, bytes);
}

static int remove_reserve(struct inode *inode)
{
    return change_reserve(inode, 0);
}

/* Returns whether a user may name a binary: it is executed with the rights of the mount's owner,
 * and so only that owner may, and not if the rights are root's. */
static bool may_upgrade(const struct inode *inode, uid_t uid)
{
    return !inode->volume->info.cred.privileged && uid == inode->volume->info.owner;
}

/* Always true: the kernel lets nobody without CAP_SYS_ADMIN set a trusted attribute. */
static bool may_upgrade_trusted(const struct inode *inode, uid_t uid)
{
    (void)inode;
    (void)uid;
    return true;
}

static int set_upgrade(struct inode *inode, const char *value, size_t size)
{
    return upgrade_request(mount_of_volume(inode->volume), value, size);
}

/* The table of control attributes. The pages of a file say what others have read. cachestat(2) also
 * tells users who may write to the file, but the mode alone does not show these where there is an
 * access ACL. The list of areas has names of directories that not everybody may see. */
static const struct control_xattr CONTROL_XATTRS[] = {
    { .name = SHMAP_XATTR_CLASS,
      .get = get_class,
      .set = area_attribute_set_class,
      .may_set = is_owner,
      .is_limit = area_attribute_limits,
      .remove = remove_class,
      .is_set = has_class },
    { .name = SHMAP_XATTR_NEXT_CLASS, .get = file_class_get_next },
    { .name = SHMAP_XATTR_AREA,
      .get = area_attribute_get,
      .set = area_attribute_set,
      .may_set = is_mount_owner },
    { .name = SHMAP_XATTR_AREAS,
      .mount_root = true,
      .get = area_attribute_list,
      .may_get = is_mount_owner },
    { .name = SHMAP_XATTR_SKELETON,
      .get = get_skeleton,
      .set = set_skeleton,
      .may_set = is_owner,
      .remove = remove_skeleton,
      .is_set = has_skeleton },
    { .name = SHMAP_XATTR_LIFETIME,
      .get = lifetime_mark_get,
      .set = lifetime_mark_set,
      .may_set = is_owner,
      .remove = lifetime_mark_remove,
      .is_set = has_lifetime },
    { .name = SHMAP_XATTR_COMMIT,
      .get = commit_attribute_get_word,
      .set = commit_attribute_set_word,
      .may_set = is_owner },
    { .name = SHMAP_XATTR_INTERVAL,
      .get = commit_attribute_get_interval,
      .set = commit_attribute_set_interval,
      .may_set = is_owner },
    { .name = SHMAP_XATTR_UNCOMMITTED, .get = commit_attribute_get_uncommitted },
    { .name = SHMAP_XATTR_PAGES, .get = get_pages, .may_get = is_owner },
    { .name = SHMAP_XATTR_RESERVE,
      .get = get_reserve,
      .set = set_reserve,
      .may_set = is_owner,
      .remove = remove_reserve,
      .is_set = has_reserve },
    { .name = SHMAP_XATTR_STATUS, .mount_root = true, .get = get_status },
    { .name = SHMAP_XATTR_REQUESTS,
      .mount_root = true,
      .get = mount_requests,
      .may_get = is_mount_owner },
    { .name = SHMAP_XATTR_LATENCIES,
      .mount_root = true,
      .get = mount_latencies,
      .may_get = is_mount_owner },
    { .name = SHMAP_XATTR_HOSTS, .mount_root = true, .get = get_hosts, .may_get = is_mount_owner },
    { .name = SHMAP_XATTR_SIZE, .mount_root = true, .set = set_size, .may_set = is_mount_owner },
    { .name = SHMAP_XATTR_UPGRADE, .mount_root = true, .set = set_upgrade, .may_set = may_upgrade },
    { .name = SHMAP_XATTR_UPGRADE_TRUSTED,
      .mount_root = true,
      .set = set_upgrade,
      .may_set = may_upgrade_trusted },
};

/* Finds a control attribute. NULL: there is none by this name on this file or directory. */
static const struct control_xattr *find_control_xattr(const struct inode *inode, const char *name)
{
    for (size_t i = 0; i < sizeof(CONTROL_XATTRS) / sizeof(CONTROL_XATTRS[0]); i++) {
        const struct control_xattr *xattr = &CONTROL_XATTRS[i];

        if (strcmp(xattr->name, name) == 0)
            return xattr->mount_root && inode->ref.id != NODE_ROOT_ID ? NULL : xattr;
    }
    return NULL;
}

bool control_xattr_is(const char *name)
{
    return strncmp(name, SHMAP_XATTR_PREFIX, strlen(SHMAP_XATTR_PREFIX)) == 0 ||
           strncmp(name, SHMAP_XATTR_TRUSTED_PREFIX, strlen(SHMAP_XATTR_TRUSTED_PREFIX)) == 0;
}

/* Returns the options that are part of a name, after a mark that says what to do with them; NULL:
 * it is another name. */
static const char *find_options(const struct inode *inode, const char *name)
{
    size_t length = strlen(SHMAP_XATTR_OPTIONS);

    if (inode->ref.id != NODE_ROOT_ID || strncmp(name, SHMAP_XATTR_OPTIONS, length) != 0)
        return NULL;
    return name[length] == '?' || name[length] == '!' ? name + length : NULL;
}

/* Changes what shmap_options_change() asks for. */
static ssize_t change_options(struct inode *inode, uid_t uid, const char *options, char **value)
{
    int error = is_mount_owner(inode, uid)
                    ? live_options_change(inode->volume, options + 1, *options == '?')
                    : -EPERM;

    if (error)
        return error;
    *value = strdup("");
    return *value ? 0 : -ENOMEM;
}

ssize_t control_xattr_get(struct inode *inode, const struct fuse_ctx *caller, const char *name,
                          char **value)
{
    const struct control_xattr *xattr = find_control_xattr(inode, name);
    const char *options = find_options(inode, name);
    int error;

    if (options)
        return change_options(inode, caller->uid, options, value);
    if (point_attribute_is(name))
        return point_attribute_get(inode, caller->uid, caller->pid, name, value);
    if (!xattr || !xattr->get)
        return -ENODATA;
    if (xattr->may_get && !xattr->may_get(inode, caller->uid))
        return -EPERM;
    error = xattr->get(inode, value);
    if (error)
        return error;
    return *value ? (ssize_t)strlen(*value) : -ENOMEM;
}

int control_xattr_set(struct inode *inode, uid_t uid, const char *name, const char *value,
                      size_t size)
{
    const struct control_xattr *xattr = find_control_xattr(inode, name);

    if (!xattr || !xattr->set || !xattr->may_set(inode, uid))
        return -EPERM;
    if (xattr->is_limit && xattr->is_limit(value, size) && !is_mount_owner(inode, uid))
        return -EPERM;
    return xattr->set(inode, value, size);
}

bool control_xattr_is_set(const struct inode *inode, const char *name)
{
    const struct control_xattr *xattr = find_control_xattr(inode, name);

    return xattr && xattr->is_set && xattr->is_set(inode);
}

int control_xattr_remove(struct inode *inode, uid_t uid, const char *name)
{
    const struct control_xattr *xattr = find_control_xattr(inode, name);

    if (!xattr || !xattr->remove)
        return is_owner(inode, uid) ? -ENODATA : -EPERM;
    return xattr->may_set(inode, uid) ? xattr->remove(inode) : -EPERM;
}
