// SPDX-License-Identifier: BSD-2-Clause
#include "classroot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "cleanup.h"
#include "object.h"

struct ram_name {
    char text[48];
};

static const char *ram_name(const struct statx *stx, struct ram_name *name)
{
    snprintf(name->text, sizeof(name->text), "%" PRIx64 "-%" PRIx64, (uint64_t)stx->stx_ino, object_birth(stx));
    return name->text;
}

int classroot_class(int dir, enum shmap_class *class)
{
    struct object_path path;
    char word[32];
    ssize_t length = getxattr(object_path(dir, &path), SHMAP_XATTR_CLASS, word, sizeof(word));

    if (length < 0)
        return errno == EOPNOTSUPP ? -ENODATA : errno == ERANGE ? -EIO : -errno;
    return shmap_class_parse(word, (size_t)length, class) == 0 ? 0 : -EIO;
}

int classroot_mark(int dir, enum shmap_class class)
{
    struct object_path path;
    const char *word = shmap_class_name(class);

    return setxattr(object_path(dir, &path), SHMAP_XATTR_CLASS, word, strlen(word), 0) == 0 ? 0 : -errno;
}

int classroot_unmark(int dir)
{
    struct object_path path;

    return removexattr(object_path(dir, &path), SHMAP_XATTR_CLASS) == 0 ? 0 : -errno;
}

static int copy_xattr(const char *from, const char *to, const char *name)
{
    CLEANUP_FREE char *value = malloc(XATTR_SIZE_MAX);
    ssize_t length;

    if (!value)
        return -ENOMEM;
    length = getxattr(from, name, value, XATTR_SIZE_MAX);
    if (length < 0)
        return -errno;
    return setxattr(to, name, value, (size_t)length, 0) == 0 ? 0 : -errno;
}

/* Repeats what a directory lets its contents inherit, and what a user has attached to it. */
static int mirror(int store_dir, const struct statx *stx, int ram_dir)
{
    struct object_path from_path, to_path;
    const char *from = object_path(store_dir, &from_path);
    const char *to = object_path(ram_dir, &to_path);
    CLEANUP_FREE char *names = malloc(XATTR_LIST_MAX);
    ssize_t length;
    int error;

    if (!names)
        return -ENOMEM;
    if (fchownat(ram_dir, "", stx->stx_uid, stx->stx_gid, AT_EMPTY_PATH) != 0 || chmod(to, stx->stx_mode & 07777) != 0)
        return -errno;
    length = listxattr(from, names, XATTR_LIST_MAX);
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
        if (strcmp(names + at, SHMAP_XATTR_CLASS) == 0 || strncmp(names + at, "security.", 9) == 0)
            continue;
        error = copy_xattr(from, to, names + at);
        if (error && error != -EOPNOTSUPP && error != -EPERM)
            return error;
    }
    return 0;
}

int classroot_open(const struct area *ram, int store_dir, const struct statx *stx)
{
    struct ram_name name;
    CLEANUP_FD int dir = -1;
    bool made = mkdirat(ram->root, ram_name(stx, &name), 0700) == 0;
    int error;

    if (!made && errno != EEXIST)
        return -errno;
    dir = openat(ram->root, name.text, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return -errno;
    error = made ? mirror(store_dir, stx, dir) : 0;
    if (error) {
        unlinkat(ram->root, name.text, AT_REMOVEDIR);
        return error;
    }
    return steal_fd(&dir);
}

int classroot_remove(const struct area *ram, const struct statx *stx)
{
    struct ram_name name;

    if (unlinkat(ram->root, ram_name(stx, &name), AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    return -errno;
}

int classroot_is_empty(int dir)
{
    CLEANUP_FD int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char entries[1024];
    ssize_t length;

    if (fd < 0)
        return -errno;
    while ((length = getdents64(fd, entries, sizeof(entries))) > 0) {
        for (ssize_t at = 0; at < length;) {
            const struct dirent64 *entry = (const void *)(entries + at);

            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                return 0;
            at += entry->d_reclen;
        }
    }
    return length == 0 ? 1 : -errno;
}

/* Opens a directory beneath another one, never by a symlink or out of it. */
static int open_beneath(int dir, const char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));

    return fd >= 0 ? fd : -errno;
}

/* Makes the directories on the way to a path, and the last one; returns its descriptor. */
static int make_path(int root, const char *path, mode_t mode)
{
    CLEANUP_FREE char *prefix = strdup(path);
    char *slash = prefix;

    if (!prefix)
        return -ENOMEM;
    while (slash) {
        CLEANUP_FD int parent = -1;
        char *name;

        slash = strchr(slash, '/');
        if (slash)
            *slash = '\0';
        name = strrchr(prefix, '/');
        if (name)
            *name++ = '\0';
        parent = name ? open_beneath(root, prefix) : openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (name)
            *(name - 1) = '/';
        if (parent < 0)
            return parent;
        if (mkdirat(parent, name ? name : prefix, slash ? 0755 : mode) != 0 && errno != EEXIST)
            return -errno;
        if (slash)
            *slash++ = '/';
    }
    return open_beneath(root, path);
}

int classroot_prepare(const struct area *store, const char *path, mode_t mode, struct complaint *complaint)
{
    CLEANUP_FD int dir = open_beneath(store->root, path);
    enum shmap_class class;
    bool made = dir == -ENOENT;
    int error;

    if (made) {
        dir = make_path(store->root, path, mode);
        if (dir >= 0 && fchmod(dir, mode) != 0)
            return complain(complaint, errno, "anon=%s cannot be made in the store: %s", path, strerror(errno));
    }
    if (dir < 0)
        return complain(complaint, -dir, "anon=%s is not a directory that can be used below the store: %s", path,
                        strerror(-dir));
    error = classroot_class(dir, &class);
    if (!error && class == SHMAP_ANON)
        return 0;
    if (!error)
        return complain(complaint, EINVAL, "anon=%s already has the class %s", path, shmap_class_name(class));
    if (error != -ENODATA)
        return complain(complaint, -error, "anon=%s has a class that cannot be read: %s", path, strerror(-error));
    error = classroot_is_empty(dir);
    if (error == 0)
        return complain(complaint, ENOTEMPTY, "anon=%s is not empty in the store; only an empty directory can change its class",
                        path);
    error = error < 0 ? error : classroot_mark(dir, SHMAP_ANON);
    return error < 0 ? complain(complaint, -error, "anon=%s cannot be marked in the store: %s", path, strerror(-error)) : 0;
}
