// SPDX-License-Identifier: BSD-2-Clause
/* Since Linux 6.13 the system calls of the name ending in "at" take an O_PATH descriptor. Before, the
 * way is through /proc, which takes longer than the rest. */
#include "xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "object.h"

/* The same on all architectures; older headers have none of it. */
#ifndef SYS_setxattrat
#define SYS_setxattrat    463
#define SYS_getxattrat    464
#define SYS_listxattrat   465
#define SYS_removexattrat 466
#endif

struct arguments {
    _Alignas(8) uint64_t value;
    uint32_t size;
    uint32_t flags;
};

/* EPERM is also the word of sandboxes that do not know the call. */
static bool is_missing(long result)
{
    return result < 0 && (errno == ENOSYS || errno == EPERM);
}

static ssize_t result_of(ssize_t result)
{
    return result < 0 ? -errno : result;
}

ssize_t xattr_get(int fd, const char *name, void *value, size_t size)
{
    struct arguments arguments = { .value = (uintptr_t)value, .size = (uint32_t)size };
    ssize_t length =
        syscall(SYS_getxattrat, fd, "", AT_EMPTY_PATH, name, &arguments, sizeof(arguments));
    struct object_path path;

    if (is_missing(length))
        length = getxattr(object_path(fd, &path), name, value, size);
    return result_of(length);
}

ssize_t xattr_list(int fd, char *names, size_t size)
{
    ssize_t length = syscall(SYS_listxattrat, fd, "", AT_EMPTY_PATH, names, size);
    struct object_path path;

    if (is_missing(length))
        length = listxattr(object_path(fd, &path), names, size);
    return result_of(length);
}

int xattr_set(int fd, const char *name, const void *value, size_t size, int flags)
{
    struct arguments arguments = { .value = (uintptr_t)value,
                                   .size = (uint32_t)size,
                                   .flags = (uint32_t)flags };
    long result =
        syscall(SYS_setxattrat, fd, "", AT_EMPTY_PATH, name, &arguments, sizeof(arguments));
    struct object_path path;

    if (is_missing(result))
        result = setxattr(object_path(fd, &path), name, value, size, flags);
    return (int)result_of(result);
}

int xattr_remove(int fd, const char *name)
{
    long result = syscall(SYS_removexattrat, fd, "", AT_EMPTY_PATH, name);
    struct object_path path;

    if (is_missing(result))
        result = removexattr(object_path(fd, &path), name);
    return (int)result_of(result);
}
