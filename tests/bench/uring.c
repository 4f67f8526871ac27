// SPDX-License-Identifier: BSD-2-Clause
#include "uring.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

const char uring_parameter[] = "/sys/module/fuse/parameters/enable_uring";

bool uring_is_allowed(void)
{
    char value = 'N';
    int fd = open(uring_parameter, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    bool known = read(fd, &value, 1) == 1;
    close(fd);
    return known && (value == 'Y' || value == '1');
}

// Other than a signal that is ignored, one that is caught is no longer so in the programs that are
// started, and can be waited for.
static void outlive(int signal)
{
    (void)signal;
}

int uring_allow(bool allowed)
{
    const struct sigaction action = { .sa_handler = outlive };
    int error = 0;

    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int fd = open(uring_parameter, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (write(fd, allowed ? "Y" : "N", 1) < 0)
        error = -errno;
    close(fd);
    return error;
}
