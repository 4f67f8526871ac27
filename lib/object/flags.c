// SPDX-License-Identifier: BSD-2-Clause
#include "lib/object/flags.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

/* The flags that may be changed. Other flags say how a filesystem keeps a file (extents, verity),
 * which it changes itself; which way its data goes (dax, a journal); or that names differ by more
 * than their bytes (casefold), which the kernel's cache of names does not know. */
#define CHANGEABLE                                                                               \
    (FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_SYNC_FL | FS_IMMUTABLE_FL | FS_APPEND_FL |      \
     FS_NODUMP_FL | FS_NOATIME_FL | FS_NOCOMP_FL | FS_NOTAIL_FL | FS_DIRSYNC_FL | FS_TOPDIR_FL | \
     FS_NOCOW_FL | FS_PROJINHERIT_FL)
#define CHANGEABLE_LONG                                                                          \
    (FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND | FS_XFLAG_SYNC | FS_XFLAG_NOATIME | FS_XFLAG_NODUMP | \
     FS_XFLAG_PROJINHERIT | FS_XFLAG_NODEFRAG | FS_XFLAG_EXTSIZE | FS_XFLAG_EXTSZINHERIT |       \
     FS_XFLAG_COWEXTSIZE)

static const struct command {
    unsigned number; // as the kernel has it
    enum flags_access access;
    size_t size;
} COMMANDS[] = {
    { FS_IOC_GETFLAGS, FLAGS_GET, sizeof(uint32_t) },
    { FS_IOC_SETFLAGS, FLAGS_SET, sizeof(uint32_t) },
    { FS_IOC_FSGETXATTR, FLAGS_GET, sizeof(struct fsxattr) },
    { FS_IOC_FSSETXATTR, FLAGS_SET, sizeof(struct fsxattr) },
};
_Static_assert(sizeof(struct fsxattr) <= FLAGS_VALUE_MAX, "there is room for both forms");

enum flags_access flags_command(unsigned command, size_t *size)
{
    for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
        if (COMMANDS[i].number == command) {
            *size = COMMANDS[i].size;
            return COMMANDS[i].access;
        }
    }
    return FLAGS_NONE;
}

int flags_get(int fd, unsigned command, void *value)
{
    return ioctl(fd, command, value) == 0 ? 0 : -errno;
}

static int check_changes(uint32_t changes, uint32_t changeable, uint32_t guarding, bool *guards)
{
    *guards = changes & guarding;
    return changes & ~changeable ? -EOPNOTSUPP : 0;
}

static int check_long(int fd, const void *value, bool *guards)
{
    struct fsxattr now, next;
    int error = flags_get(fd, FS_IOC_FSGETXATTR, &now);

    memcpy(&next, value, sizeof(next));
    return error ? error
                 : check_changes(now.fsx_xflags ^ next.fsx_xflags, CHANGEABLE_LONG,
                                 FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND, guards);
}

int flags_check(int fd, unsigned command, const void *value, bool *guards)
{
    uint32_t now, next;
    int error;

    if (command == FS_IOC_FSSETXATTR)
        return check_long(fd, value, guards);
    error = flags_get(fd, FS_IOC_GETFLAGS, &now);
    memcpy(&next, value, sizeof(next));
    return error ? error
                 : check_changes(now ^ next, CHANGEABLE, FS_IMMUTABLE_FL | FS_APPEND_FL, guards);
}

int flags_set(int fd, unsigned command, const void *value)
{
    // The kernel only reads it.
    return ioctl(fd, command, value) == 0 ? 0 : -errno;
}

#define COPIED (FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL)

int flags_copy(int from, int to)
{
    uint32_t wanted, now;

    if (flags_get(from, FS_IOC_GETFLAGS, &wanted) != 0 ||
        flags_get(to, FS_IOC_GETFLAGS, &now) != 0 || ((wanted ^ now) & COPIED) == 0)
        return 0;
    wanted = (now & ~(uint32_t)COPIED) | (wanted & COPIED);
    return flags_set(to, FS_IOC_SETFLAGS, &wanted);
}
