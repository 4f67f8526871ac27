// SPDX-License-Identifier: BSD-2-Clause
/* Extended attributes of what a descriptor (O_PATH will do) stands for, also a symlink. The calls
 * do what their namesakes of xattr(7) do, but return a size or 0, or a negative errno. */
#ifndef SHMAP_XATTR_H
#define SHMAP_XATTR_H

#include <stddef.h>
#include <sys/types.h>

ssize_t xattr_get(int fd, const char *name, void *value, size_t size);
ssize_t xattr_list(int fd, char *names, size_t size);
int xattr_set(int fd, const char *name, const void *value, size_t size, int flags);
int xattr_remove(int fd, const char *name);

#endif
