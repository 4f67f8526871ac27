// SPDX-License-Identifier: BSD-2-Clause
#include "tools/broker/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"

/* Filesystems whose files the kernel reads and writes by itself, with the rights that it looks at
 * when they are opened. Others may do on a write what only root may, as sysfs does. */
#ifndef FUSE_CTL_SUPER_MAGIC
#define FUSE_CTL_SUPER_MAGIC 0x65735543
#endif
static const uint32_t FILESYSTEMS[] = {
    TMPFS_MAGIC, EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,
};

#define FUSE_MAJOR 10
#define FUSE_MINOR 229

#define FDINFO_WORD "fuse_connection:"

int connections_open(void)
{
    CLEANUP_FD int fd = open(CONNECTIONS, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct statfs filesystem;

    if (fd < 0 || fstatfs(fd, &filesystem) != 0)
        return -errno;
    return (uint32_t)filesystem.f_type == FUSE_CTL_SUPER_MAGIC ? steal_fd(&fd) : -ENODEV;
}

static int find_owner(int connections, uint32_t number, uid_t *uid)
{
    struct statx stx;
    char name[16];

    snprintf(name, sizeof(name), "%" PRIu32, number);
    if (statx(connections, name, AT_SYMLINK_NOFOLLOW, STATX_UID, &stx) != 0)
        return -errno;
    *uid = stx.stx_uid;
    return 0;
}

bool connections_has(int connections, uint32_t number, uid_t uid)
{
    uid_t owner;

    return find_owner(connections, number, &owner) == 0 && owner == uid;
}

/* Reads the number of the connection that a device is of, as the kernel tells it. */
static int read_connection(int device, uint32_t *number)
{
    char path[40], text[1024];
    CLEANUP_FD int fd = -1;
    const char *line;
    ssize_t length;
    unsigned long value;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", device);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    length = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (length < 0)
        return -errno;
    text[length] = '\0';
    line = strstr(text, "\n" FDINFO_WORD);
    value = line ? strtoul(line + strlen("\n" FDINFO_WORD), NULL, 10) : 0;
    // A device that nothing was mounted with, or a kernel that does not tell.
    if (value == 0 || value > UINT32_MAX)
        return -ENOTCONN;
    *number = (uint32_t)value;
    return 0;
}

static int look_at(int fd, unsigned mask, struct statx *stx)
{
    // Cached attributes will do: its filesystem need not be asked.
    int result =
        statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, mask | STATX_TYPE, stx);

    return result == 0 ? 0 : -errno;
}

int descriptor_check_device(int connections, int device, uid_t uid, uint32_t *number)
{
    struct statx stx = { .stx_mode = 0 };
    uid_t owner;
    int flags = fcntl(device, F_GETFL);
    int error = flags < 0 ? -errno : look_at(device, 0, &stx);

    if (error)
        return error;
    if ((flags & O_PATH) || !S_ISCHR(stx.stx_mode) || stx.stx_rdev_major != FUSE_MAJOR ||
        stx.stx_rdev_minor != FUSE_MINOR)
        return -ENOTTY;
    error = read_connection(device, number);
    // A mount that has gone is not shown any more.
    if (!error && find_owner(connections, *number, &owner) != 0)
        error = -ENOTCONN;
    if (error)
        return error;
    return owner == uid ? 0 : -EPERM;
}

static bool is_supported(uint32_t type)
{
    for (size_t i = 0; i < sizeof(FILESYSTEMS) / sizeof(FILESYSTEMS[0]); i++) {
        if (FILESYSTEMS[i] == type)
            return true;
    }
    return false;
}

/* Checks that the user may read and write; the process has his ids and no capability. */
static int check_access(int file, int flags, const struct statx *stx, uid_t uid)
{
    if (!(flags & O_PATH) && (flags & O_ACCMODE) == O_RDWR)
        return 0;
    if (stx->stx_uid == uid)
        return 0;
    return syscall(SYS_faccessat2, file, "", R_OK | W_OK, AT_EMPTY_PATH | AT_EACCESS) == 0 ? 0
                                                                                           : -errno;
}

int descriptor_check_file(int file, uid_t uid)
{
    struct statfs filesystem;
    struct statx stx = { .stx_mode = 0 };
    int flags = fcntl(file, F_GETFL);
    int error = flags < 0 ? -errno : look_at(file, STATX_UID, &stx);

    if (error)
        return error;
    if (!S_ISREG(stx.stx_mode))
        return -EINVAL;
    if (fstatfs(file, &filesystem) != 0)
        return -errno;
    if (!is_supported((uint32_t)filesystem.f_type))
        return -EOPNOTSUPP;
    if (stx.stx_attributes & (STATX_ATTR_APPEND | STATX_ATTR_IMMUTABLE))
        return -EPERM;
    return check_access(file, flags, &stx, uid);
}
