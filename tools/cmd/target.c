// SPDX-License-Identifier: BSD-2-Clause
#include "tools/cmd/target.h"

#include "tools/cmd/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int target_find(const char *path, struct target *target)
{
    int error = shmap_class_get(path, &target->class);
    if (error == -ENODATA)
        return fail(path, "not a file or directory of a shmapfs mount; name one that is");
    if (error == -ENOTCONN)
        return fail_mount(path, error);
    if (error == 0 && stat(path, &target->stat) != 0)
        error = -errno;
    return error == 0 ? EXIT_SUCCESS : fail(path, "%s", strerror(-error));
}
