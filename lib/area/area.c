// SPDX-License-Identifier: BSD-2-Clause
#include "lib/area/area.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "lib/area/shared_filesystem.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/mounts.h"

const struct area_kind AREA_KINDS[AREA_OWN] = {
    [AREA_STORE] = { .lasts = true, .reserves_blocks = true, .data_path = AREA_STORE },
    [AREA_RAM] = { .is_memory = true, .is_private = true, .is_apart = true, .data_path = AREA_RAM },
};

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

/* Names a filesystem as the mount table does; what serves one of FUSE's, or is not known here, is
 * looked up there. */
static void name_filesystem(long magic, dev_t device, char *name, size_t size)
{
    static const struct {
        long magic;
        const char *name;
    } known[] = {
        { TMPFS_MAGIC, "tmpfs" },     { EXT4_SUPER_MAGIC, "ext4" },
        { XFS_SUPER_MAGIC, "xfs" },   { BTRFS_SUPER_MAGIC, "btrfs" },
        { F2FS_SUPER_MAGIC, "f2fs" }, { OVERLAYFS_SUPER_MAGIC, "overlay" },
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].magic == magic) {
            strlcpy(name, known[i].name, size);
            return;
        }
    }
    if (mounts_find_type(device, name, size))
        return;
    if (magic == FUSE_SUPER_MAGIC)
        strlcpy(name, "fuse", size);
    else
        snprintf(name, size, "0x%lx", magic);
}

/* Returns whether file handles work, which using one shows: a filesystem may not have them, and
 * opening by them takes a privilege. */
static bool handles_work(int root)
{
    struct object_handle handle;
    CLEANUP_FD int again = -1;

    if (object_handle_of(root, &handle) != 0)
        return false;
    again = object_open(root, &handle, O_PATH);
    return again >= 0;
}

int area_identify(struct area *area, struct complaint *complaint)
{
    struct statfs filesystem;
    struct stat st;

    if (fstatfs(area->root, &filesystem) != 0 || fstat(area->root, &st) != 0)
        return complain(complaint, errno, "the area's filesystem cannot be examined: %s",
                        strerror(errno));
    area->device = st.st_dev;
    name_filesystem((long)filesystem.f_type, area->device, area->filesystem,
                    sizeof(area->filesystem));
    area->has_servers = filesystem_is_shared(area->filesystem);
    // FUSE's handles last as long as it has the inode in memory.
    area->handles = filesystem.f_type != FUSE_SUPER_MAGIC && handles_work(area->root);
    return 0;
}

void area_fill_status(const struct area *area, const struct statvfs *vfs,
                      struct shmap_area_status *status)
{
    status->present = true;
    status->size = (uint64_t)vfs->f_blocks * vfs->f_frsize;
    status->used = (uint64_t)(vfs->f_blocks - vfs->f_bfree) * vfs->f_frsize;
    status->inodes = vfs->f_files;
    status->inodes_used = vfs->f_files - vfs->f_ffree;
    strlcpy(status->filesystem, area->filesystem, sizeof(status->filesystem));
}

int area_status(const struct area *area, struct shmap_area_status *status)
{
    struct statvfs vfs;

    status->present = area->root >= 0;
    if (!status->present)
        return 0;
    if (fstatvfs(area->root, &vfs) != 0)
        return -errno;
    area_fill_status(area, &vfs, status);
    if (fgetxattr(area->root, "user.any", NULL, 0) < 0 && errno == EOPNOTSUPP)
        strlcpy(status->lacks, "user.* attributes (Linux 6.6 has them)", sizeof(status->lacks));
    return 0;
}

/* Returns whether an area has a mount of its own. An older version, which had none, has not written
 * 0 for that. */
static bool has_mount(const struct area *area)
{
    struct stat mount, root;

    return area->mount > 0 && fstat(area->mount, &mount) == 0 && fstat(area->root, &root) == 0 &&
           mount.st_dev == root.st_dev && mount.st_ino == root.st_ino;
}

int area_set_flags(const struct area *area, uint64_t set, uint64_t clear)
{
    struct mount_attr attributes = { .attr_set = set, .attr_clr = clear };

    if (!has_mount(area))
        return -EOPNOTSUPP;
    return mount_setattr(area->mount, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) == 0
               ? 0
               : -errno;
}

void area_close(struct area *area)
{
    if (area->root >= 0)
        close(area->root);
    if (area->mount > 0)
        close(area->mount);
    if (area->user_namespace >= 0)
        close(area->user_namespace);
    *area = AREA_NONE;
}
