// SPDX-License-Identifier: BSD-2-Clause
#include "fs/single/move_contents.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "lib/sys/extent.h"

/* After each piece somebody may want the file. */
#define PIECE ((size_t)1 << 20)

int move_write(int to, const void *data, size_t size, off_t offset)
{
    const char *from = data;
    size_t done = 0;

    while (done < size) {
        ssize_t written = pwrite(to, from + done, size - done, offset + (off_t)done);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written == 0 ? -EIO : -errno;
        done += (size_t)written;
    }
    return 0;
}

/* Copies the data between two places. */
static int move_extent(int from, int to, off_t begin, off_t end, char *data,
                       const struct move *move)
{
    int error = 0;

    while (begin < end && !error) {
        size_t size = (off_t)PIECE < end - begin ? PIECE : (size_t)(end - begin);
        ssize_t length = pread(from, data, size, begin);

        if (length < 0 && errno == EINTR)
            continue;
        if (move->is_given_up(move))
            return -ECANCELED;
        if (length <= 0)
            return length == 0 ? -EIO : -errno;
        if (move->take_memory && !move->take_memory(move, (size_t)length))
            return -ENOSPC;
        error = move_write(to, data, (size_t)length, begin);
        begin += length;
    }
    return error;
}

static int move_all(int from, int to, off_t size, const struct move *move)
{
    CLEANUP_FREE char *data = malloc(PIECE);
    int error = data ? 0 : -ENOMEM;

    for (off_t begin = 0; begin < size && !error;) {
        off_t end;

        begin = extent_next_data(from, begin, size);
        end = begin < size ? extent_end(from, begin, size) : size;
        error = move_extent(from, to, begin, end, data, move);
        begin = end;
    }
    return error;
}

int move_contents(int from, int to, const struct move *move)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
    struct stat st;
    int error;

    if (fstat(from, &st) != 0 || ftruncate(to, 0) != 0 || ftruncate(to, st.st_size) != 0)
        return -errno;
    error = move_all(from, to, st.st_size, move);
    times[1] = st.st_mtim;
    if (!error && futimens(to, times) != 0)
        error = -errno;
    if (!error && fsync(to) != 0)
        error = -errno;
    return error;
}
