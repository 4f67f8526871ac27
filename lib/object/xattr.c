// SPDX-License-Identifier: BSD-2-Clause
/* Goes through /proc: the calls of Linux 6.13 that take a descriptor take none with O_PATH. */
#include "lib/object/xattr.h"

#include <errno.h>
#include <sys/xattr.h>

#include "lib/object/object.h"

ssize_t xattr_get(int fd, const char *name, void *value, size_t size)
{
    struct object_path path;
    ssize_t length = getxattr(object_path_of(fd, &path), name, value, size);

    return length < 0 ? -errno : length;
}

ssize_t xattr_list(int fd, char *names, size_t size)
{
    struct object_path path;
    ssize_t length = listxattr(object_path_of(fd, &path), names, size);

    return length < 0 ? -errno : length;
}

int xattr_set(int fd, const char *name, const void *value, size_t size, int flags)
{
    struct object_path path;

    return setxattr(object_path_of(fd, &path), name, value, size, flags) == 0 ? 0 : -errno;
}

int xattr_remove(int fd, const char *name)
{
    struct object_path path;

    return removexattr(object_path_of(fd, &path), name) == 0 ? 0 : -errno;
}
