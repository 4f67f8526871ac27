// SPDX-License-Identifier: BSD-2-Clause
#include "tools/scan/target.h"

#include "tools/ui/output.h"

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

int fail_mount(const char *mountpoint, int error)
{
    enum shmap_class class;
    if (error == -ENODATA && shmap_class_get(mountpoint, &class) == 0)
        return fail(mountpoint, "in a shmapfs mount, but not its root; name the mount point");
    if (error == -ENODATA)
        return fail(mountpoint, "not a shmapfs mount; name the directory that one is on");
    if (error == -EPROTO)
        return fail(mountpoint, "the mount's answer is not understood; use the shmapctl of the "
                                "mounted shmapfs' version");
    if (error == -ENOTCONN)
        return fail(mountpoint, "the shmapfs behind it is gone; unmount it and mount it again");
    return fail(mountpoint, "%s", strerror(-error));
}
