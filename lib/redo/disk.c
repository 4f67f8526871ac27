// SPDX-License-Identifier: BSD-2-Clause
#include "lib/redo/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/redo/format.h"

void disk_point(enum disk_point point)
{
    (void)point;
}

int disk_write(int fd, const void *data, size_t size, uint64_t offset)
{
    const char *from = data;

    for (size_t done = 0; done < size;) {
        ssize_t length = pwrite(fd, from + done, size - done, (off_t)(offset + done));

        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return -errno;
        if (length == 0)
            return -EIO;
        done += (size_t)length;
    }
    return 0;
}

int disk_warm(int fd, size_t size, uint64_t offset)
{
    static const uint8_t zeros[REDO_PAGE];
    int error = 0;

    for (size_t done = 0; done < size && !error; done += sizeof(zeros))
        error = disk_write(fd, zeros, sizeof(zeros), offset + done);
    return error;
}

int disk_read(int fd, void *data, size_t size, uint64_t offset)
{
    char *to = data;

    for (size_t done = 0; done < size;) {
        ssize_t length = pread(fd, to + done, size - done, (off_t)(offset + done));

        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return -errno;
        if (length == 0) {
            memset(to + done, 0, size - done);
            return 0;
        }
        done += (size_t)length;
    }
    return 0;
}

int disk_sync(int fd)
{
    int result;

    do {
        result = fdatasync(fd);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : -errno;
}

int disk_write_store(int fd, const void *data, size_t size, uint64_t offset)
{
    return disk_write(fd, data, size, offset);
}

int disk_resize_store(int fd, uint64_t size)
{
    return ftruncate(fd, (off_t)size) == 0 ? 0 : -errno;
}

int disk_zero_store(int fd, uint64_t from, uint64_t end)
{
    static const char zeros[UINT64_C(256) << 10];
    int error = 0;

    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
                  (off_t)(end - from)) == 0)
        return 0;
    if (errno != EOPNOTSUPP)
        return -errno;
    for (uint64_t length; from < end && !error; from += length) {
        length = end - from < sizeof(zeros) ? end - from : sizeof(zeros);
        error = disk_write(fd, zeros, length, from);
    }
    return error;
}

int disk_sync_store(int fd, int metadata)
{
    int result;

    do {
        result = metadata ? fsync(fd) : fdatasync(fd);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : -errno;
}
