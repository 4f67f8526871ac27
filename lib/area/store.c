// SPDX-License-Identifier: BSD-2-Clause
/*
 * The store: a plain directory on disk.
 *
 * With the privilege for it the daemon works on a private clone of the mount that the directory is
 * on. Other mounts below the directory are then not in the way, nobody can pull the mount away, and
 * the clone can have access-time flags of its own, which are the ones that reads through the
 * kernel's passthrough obey.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/area/area.h"
#include "lib/sys/cleanup.h"

static int check_writable(int fd, const char *path, struct complaint *complaint)
{
    struct statvfs vfs;

    if (fstatvfs(fd, &vfs) == 0 && (vfs.f_flag & ST_RDONLY))
        return complain(complaint, EROFS,
                        "STORE %s is on a read-only filesystem; mount it writable, or add -o ro",
                        path);
    if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return complain(
            complaint, errno,
            "STORE %s cannot be written to: %s; choose a directory that you may write to", path,
            strerror(errno));
    return 0;
}

static int check_xattrs(int fd, const char *path, struct complaint *complaint)
{
    char class[16];

    if (fgetxattr(fd, SHMAP_XATTR_CLASS, class, sizeof(class)) < 0 && errno == EOPNOTSUPP)
        return complain(
            complaint, EOPNOTSUPP,
            "STORE %s is on a filesystem without user extended attributes; choose another one",
            path);
    return 0;
}

/* Makes a mount of its own for the directory; -1: the kernel or the lack of a privilege forbids
 * that. */
static int clone_mount(int fd, bool read_only, const struct area_atime *atime)
{
    // Later mounts below the directory are not to come after it.
    struct mount_attr attributes = { .attr_set = atime->set | (read_only ? MOUNT_ATTR_RDONLY : 0),
                                     .attr_clr = atime->clear,
                                     .propagation = MS_PRIVATE };
    CLEANUP_FD int clone = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

    if (clone < 0 || mount_setattr(clone, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) != 0)
        return -1;
    return steal_fd(&clone);
}

int store_open(const char *path, bool read_only, const struct area_atime *atime, struct area *area,
               struct complaint *complaint)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP_FD int clone = -1;
    int error;

    if (fd < 0 && errno == ENOENT)
        return complain(complaint, ENOENT, "STORE %s does not exist; make the directory first",
                        path);
    if (fd < 0 && errno == ENOTDIR)
        return complain(complaint, ENOTDIR, "STORE %s is not a directory; name one", path);
    if (fd < 0)
        return complain(complaint, errno, "STORE %s cannot be opened: %s", path, strerror(errno));
    error = read_only ? 0 : check_writable(fd, path, complaint);
    if (!error)
        error = check_xattrs(fd, path, complaint);
    if (error)
        return error;

    clone = clone_mount(fd, read_only, atime);
    *area = AREA_NONE;
    area->root = clone >= 0 ? openat(clone, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (area->root >= 0)
        area->mount = steal_fd(&clone);
    else
        area->root = steal_fd(&fd);
    error = area_identify(area, complaint);
    if (error)
        area_close(area);
    return error;
}

/* syncfs(2) brings all of the filesystem to the disk, and so what others have written there too.
 * Nothing less would do: what passes through the kernel is dirtied without the daemon, in files
 * that may be closed and forgotten by now, and names take the directories and the journal. */
int store_sync(const struct area *area)
{
    struct statvfs vfs;

    if (area->root < 0 || (fstatvfs(area->root, &vfs) == 0 && (vfs.f_flag & ST_RDONLY)))
        return 0;
    return syncfs(area->root) == 0 ? 0 : -errno;
}
