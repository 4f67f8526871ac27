// SPDX-License-Identifier: BSD-2-Clause
#include "lib/object/zero_range.h"

#include <errno.h>
#include <fcntl.h>

int object_zero_range(int fd, int keep_size, off_t offset, off_t length)
{
    const int steps[] = { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                          keep_size };

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (fallocate(fd, steps[i], offset, length) != 0)
            return -errno;
    }
    return 0;
}
