// SPDX-License-Identifier: BSD-2-Clause
#include "lib/sys/streams.h"

#include <fcntl.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"

void streams_fill(int flags)
{
    int fd;

    // The kernel gives out the lowest free number.
    do
        fd = open("/dev/null", O_RDWR | flags);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

void streams_silence(int last)
{
    CLEANUP_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = STDIN_FILENO; null >= 0 && fd <= last; fd++)
        dup2(null, fd);
}
