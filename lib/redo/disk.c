// SPDX-License-Identifier: BSD-2-Clause
#include "lib/redo/disk.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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

int disk_sync_store(int fd, int metadata)
{
    int result;

    do {
        result = metadata ? fsync(fd) : fdatasync(fd);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : -errno;
}
