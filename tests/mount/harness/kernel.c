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

static bool run_has_option(const char *option)
{
    const char *options = getenv("SHMAPFS_TEST_OPTIONS");

    return options != NULL && strstr(options, option) != NULL;
}

bool is_over_uring(void)
{
    return run_has_option("io_uring");
}

bool is_shared(void)
{
    return run_has_option("shared");
}
