// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/keeper/crashpoint.h"

#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/process.h"

#include <stdio.h>

void arm_point(const char *point)
{
    char path[64];

    // The worker is another user when it serves.
    if (mkdir("halt", 0777) == 0)
        assert_ok(chmod("halt", 0777));
    snprintf(path, sizeof(path), "halt/%s", point);
    put_file(path, "");
}

void stop_at_point(pid_t worker, const char *point)
{
    arm_point(point);
    await_stop(worker);
}
