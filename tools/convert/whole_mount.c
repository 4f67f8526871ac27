// SPDX-License-Identifier: BSD-2-Clause
/* What the mount that a directory is in knows and does, asked at its root; the caller need not have
 * that, as in a container that a directory of the mount was bound into. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/convert/conversion.h"
#include "tools/scan/mount_list.h"
#include "tools/ui/output.h"

/* Finds the root of the mount. NULL: the caller has none, or something covers it. */
static const char *find_root(const struct conversion *conversion, const struct mount_list *list)
{
    const struct listed_mount *whole = mount_list_whole(list, conversion->tree.device);
    struct stat stat_of_root;

    if (!whole || stat(whole->path, &stat_of_root) != 0 ||
        stat_of_root.st_dev != conversion->tree.device)
        return NULL;
    return whole->path;
}

int conversion_sync(struct conversion *conversion)
{
    struct mount_list list;
    const char *root;
    int error = 0;

    mount_list_find_around(conversion->path, &list);
    root = find_root(conversion, &list);
    error = root ? shmap_sync(root) : -ENXIO;
    mount_list_free(&list);
    // No whole mount, one that the daemon does not see, or an older daemon.
    if (error == -ENXIO || error == -ENODATA)
        error = tree_sync(conversion->copy, &conversion->interruption);
    return error;
}
