// SPDX-License-Identifier: BSD-2-Clause
/*
 * The calls on paths. Each asks for or sets one extended attribute of a mount.
 *
 * Another filesystem would take an attribute of our name and keep it, and a store has them, too.
 * So each call first makes sure that it is a mount of ours that answers.
 */
#include "lib/api/shmap.h"

#include "lib/sys/cleanup.h"

#include <errno.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

/* The attribute's length; -ENODATA where no shmapfs has it. */
static ssize_t ask(const char *path, const char *name, char *value, size_t size)
{
    struct statfs filesystem;
    if (statfs(path, &filesystem) != 0)
        return -errno;
    if (filesystem.f_type != FUSE_SUPER_MAGIC)
        return -ENODATA;
    ssize_t length = getxattr(path, name, value, size);
    if (length < 0) /* another FUSE filesystem does no attributes, or has its own of that name */
        return errno == EOPNOTSUPP || errno == ERANGE ? -ENODATA : -errno;
    return length;
}

/* Sets an attribute where `witness`, an attribute that can be read, shows a mount of ours. */
static int set(const char *path, const char *witness, const char *name, const char *value)
{
    ssize_t present = ask(path, witness, NULL, 0);
    if (present < 0)
        return (int)present;
    return setxattr(path, name, value, strlen(value), 0) == 0 ? 0 : -errno;
}

int shmap_class_get(const char *path, enum shmap_class *which)
{
    char word[32];
    ssize_t length = ask(path, SHMAP_XATTR_CLASS, word, sizeof(word));
    if (length < 0)
        return (int)length;
    return shmap_class_parse(word, (size_t)length, which) == 0 ? 0 : -ENODATA;
}

int shmap_class_set(const char *path, enum shmap_class which)
{
    return set(path, SHMAP_XATTR_CLASS, SHMAP_XATTR_CLASS, shmap_class_name(which));
}

int shmap_resize(const char *mountpoint, const char *size)
{
    return set(mountpoint, SHMAP_XATTR_STATUS, SHMAP_XATTR_SIZE, size);
}

int shmap_upgrade(const char *mountpoint, const char *binary)
{
    if (binary != NULL && *binary != '/')
        return -EINVAL;
    const char *value = binary != NULL ? binary : "";
    int error = set(mountpoint, SHMAP_XATTR_STATUS, SHMAP_XATTR_UPGRADE_TRUSTED, value);
    /* Without the privilege for that it may be a mount of one's own. */
    return error != -EPERM ? error
                           : set(mountpoint, SHMAP_XATTR_STATUS, SHMAP_XATTR_UPGRADE, value);
}

int shmap_status_get(const char *mountpoint, struct shmap_status *status)
{
    CLEANUP_FREE char *json = malloc(XATTR_SIZE_MAX + 1);
    if (json == NULL)
        return -ENOMEM;
    ssize_t length = ask(mountpoint, SHMAP_XATTR_STATUS, json, XATTR_SIZE_MAX);
    if (length < 0)
        return (int)length;
    json[length] = '\0';
    return shmap_status_from_json(json, status);
}
