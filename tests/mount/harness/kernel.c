// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/harness/kernel.h"

#include <stdio.h>
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
