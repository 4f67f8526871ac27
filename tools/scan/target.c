// SPDX-License-Identifier: BSD-2-Clause
#include "tools/scan/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/scan/mount_list.h"
#include "tools/ui/output.h"

int scan_target_find(const char *path, struct scan_target *target)
{
    int error = shmap_class_get(path, &target->class);

    if (error == -ENODATA)
        return fail(path, "not a file or directory of a shmapfs mount; name one that is");
    if (error == -ENOTCONN)
        return fail_mount(path, error);
    if (!error && stat(path, &target->stat) != 0)
        error = -errno;
    return error ? fail(path, "%s", strerror(-error)) : EXIT_SUCCESS;
}

int fail_class(const char *path, enum shmap_class class, int error)
{
    const char *name = shmap_class_name(class);
    enum shmap_class now;

    if (error == -EOPNOTSUPP && class == SHMAP_SCRATCH)
        return fail(path, "this mount cannot have scratch directories: it began read-only, or the "
                          ".shmapfs in its store is not its owner's; mount it anew");
    if (error == -EOPNOTSUPP)
        return fail(path,
                    "this mount does not have the class %s: it is of an earlier version, or has "
                    "writeback; use persist, anon or scratch",
                    name);
    if (shmap_class_get(path, &now) == 0 && (now == SHMAP_SCRATCH || class == SHMAP_SCRATCH))
        return fail(path,
                    "the class cannot be %s here; it is %s, as is all below such a directory; "
                    "where that begins, make it persist first",
                    name, shmap_class_name(now));
    return fail(path,
                "the class cannot be %s here; below an anonymous directory and on a mount without "
                "a store all is anon",
                name);
}

/* Prints which mount a path is in that is not its root. */
static int fail_below_mount(const char *path)
{
    const struct listed_mount *mount;
    struct mount_list list;

    mount_list_find_around(path, &list);
    mount = mount_list_at(&list, path);
    if (mount && strcmp(mount->root, "/") == 0)
        fail(path, "in a shmapfs mount, but not its root; name the mount point %s", mount->path);
    else
        fail(path, "in a shmapfs mount, but not its root; name the mount point of the whole");
    mount_list_free(&list);
    return EXIT_FAILURE;
}

int fail_mount(const char *mountpoint, int error)
{
    enum shmap_class class;

    if (error == -ENODATA && shmap_class_get(mountpoint, &class) == 0)
        return fail_below_mount(mountpoint);
    if (error == -ENODATA)
        return fail(mountpoint, "not a shmapfs mount; name the directory that one is on");
    if (error == -EPROTO)
        return fail(mountpoint, "this shmapctl does not understand the mount's answer; use the "
                                "shmapctl of the version that is mounted");
    if (error == -ENOTCONN)
        return fail(mountpoint,
                    "the shmapfs that served it is gone; unmount it and mount it again");
    return fail(mountpoint, "%s", strerror(-error));
}
