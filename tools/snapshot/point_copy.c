// SPDX-License-Identifier: BSD-2-Clause
#include "tools/snapshot/point_copy.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/api/point.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

static int write_piece(int fd, const char *data, size_t length, uint64_t at)
{
    while (length > 0) {
        ssize_t written = pwrite(fd, data, length, (off_t)at);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? -errno : -EIO;
        data += written;
        at += (uint64_t)written;
        length -= (size_t)written;
    }
    return 0;
}

int point_copy_make(uint64_t point, int file, int copy, uint64_t done, struct progress *progress,
                    struct interruption *interruption, struct point_copy *made)
{
    CLEANUP_FREE char *data = malloc(SHMAP_PIECE_MAX);
    struct shmap_piece piece = { .offset = 0 };
    struct object_path path;
    ssize_t length;
    int error = 0;

    if (!data)
        return -ENOMEM;
    do {
        if (interruption_came(interruption))
            return -EINTR;
        length = shmap_point_read(object_path_of(file, &path), point, &piece, data);
        if (length < 0)
            return (int)length;
        error = write_piece(copy, data, (size_t)length, piece.offset);
        piece.offset += (uint64_t)length;
        progress_show(progress, "copied", done + piece.offset);
    } while (!error && length > 0 && piece.offset < piece.size);
    if (!error && ftruncate(copy, (off_t)piece.size) != 0)
        error = -errno;
    made->size = piece.size;
    made->mtime.tv_sec = piece.mtime / 1000000000;
    made->mtime.tv_nsec = piece.mtime % 1000000000;
    if (made->mtime.tv_nsec < 0) {
        made->mtime.tv_sec--;
        made->mtime.tv_nsec += 1000000000;
    }
    return error;
}
