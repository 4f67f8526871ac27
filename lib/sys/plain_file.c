// SPDX-License-Identifier: BSD-2-Clause
#include "lib/sys/plain_file.h"

#include <errno.h>
#include <fcntl.h>

#include "lib/sys/cleanup.h"

int plain_file_open(const char *path, int flags, struct stat *st)
{
    int all = flags | O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    CLEANUP_FD int fd = open(path, all | O_NOATIME);

    // That is for the owner and root.
    if (fd < 0 && errno == EPERM)
        fd = open(path, all);
    if (fd < 0 || fstat(fd, st) != 0)
        return -errno;
    return S_ISREG(st->st_mode) ? steal_fd(&fd) : -EMEDIUMTYPE;
}
