// SPDX-License-Identifier: BSD-2-Clause
#include "lib/api/hand_on.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Both calls are needed. Before Linux 6.16 the first one waits for copies of the pages alone, and
 * close(2) for the daemon (fs/vfs/hold.h). Later kernels have no copies, and close(2) waits for
 * nothing. */
int pages_hand_on(int fd)
{
    int result = sync_file_range(fd, 0, 0,
                                 SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                     SYNC_FILE_RANGE_WAIT_AFTER) == 0
                     ? 0
                     : -errno;

    if (close(fd) != 0 && result == 0)
        result = -errno;
    return result;
}
