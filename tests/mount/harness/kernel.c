// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/harness/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

bool kernel_is_at_least(int major, int minor)
{
    struct utsname kernel;
    int its_major = 0, its_minor = 0;

    return uname(&kernel) == 0 && sscanf(kernel.release, "%d.%d", &its_major, &its_minor) == 2 &&
           (its_major > major || (its_major == major && its_minor >= minor));
}

bool kernel_has_passthrough(void)
{
    return kernel_is_at_least(6, 9);
}

bool is_over_uring(void)
{
    const char *options = getenv("SHMAPFS_TEST_OPTIONS");

    return options != NULL && strstr(options, "io_uring") != NULL;
}
