// SPDX-License-Identifier: BSD-2-Clause
#include "lib/sys/extent.h"

#include <errno.h>
#include <unistd.h>

off_t extent_next_data(int fd, off_t from, off_t end)
{
    off_t data = lseek(fd, from, SEEK_DATA);

    if (data < 0)
        return errno == ENXIO ? end : from;
    return data < end ? data : end;
}

off_t extent_end(int fd, off_t from, off_t end)
{
    off_t hole = lseek(fd, from, SEEK_HOLE);

    return hole > from && hole < end ? hole : end;
}
