// SPDX-License-Identifier: BSD-2-Clause
/* Points: files as they were committed at one moment. */
#include "lib/api/point.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

enum { NAME_MAX_LENGTH = 96, NUMBER_MAX_LENGTH = 24 };

int shmap_point_take(const char *mountpoint, uint64_t *point)
{
    char number[NUMBER_MAX_LENGTH];
    struct statfs filesystem;
    ssize_t length;

    if (statfs(mountpoint, &filesystem) != 0)
        return -errno;
    if (filesystem.f_type != FUSE_SUPER_MAGIC)
        return -ENODATA;
    length = getxattr(mountpoint, SHMAP_XATTR_POINT, number, sizeof(number) - 1);
    if (length < 0)
        return errno == EOPNOTSUPP || errno == ERANGE ? -ENODATA : -errno;
    number[length] = '\0';
    *point = strtoull(number, NULL, 10);
    return *point > 0 ? 0 : -ENODATA;
}

int shmap_point_leave(const char *mountpoint, uint64_t point)
{
    char name[NAME_MAX_LENGTH];
    char answer;

    snprintf(name, sizeof(name), "%s-%" PRIu64, SHMAP_XATTR_POINT, point);
    return getxattr(mountpoint, name, &answer, sizeof(answer)) < 0 ? -errno : 0;
}

ssize_t shmap_point_read(const char *path, uint64_t point, struct shmap_piece *piece, void *data)
{
    char name[NAME_MAX_LENGTH];
    char *answer = malloc(sizeof(*piece) + SHMAP_PIECE_MAX);
    ssize_t length;

    if (!answer)
        return -ENOMEM;
    snprintf(name, sizeof(name), "%s.%" PRIu64 ".%" PRIu64, SHMAP_XATTR_POINT, point,
             piece->offset);
    length = getxattr(path, name, answer, sizeof(*piece) + SHMAP_PIECE_MAX);
    if (length < 0) {
        length = -errno;
    } else if (length < (ssize_t)sizeof(*piece)) {
        length = -EPROTO;
    } else {
        length -= (ssize_t)sizeof(*piece);
        memcpy(piece, answer, sizeof(*piece));
        memcpy(data, answer + sizeof(*piece), (size_t)length);
    }
    free(answer);
    return length;
}
