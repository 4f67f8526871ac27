// SPDX-License-Identifier: BSD-2-Clause
#include "lib/quota/project.h"

#include <errno.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK 512 // bytes, of the kernel's numbers

/* These commands are xfs' by name; the kernel has them for each filesystem with quotas. */
static int control(int fd, unsigned command, uint32_t id, void *argument)
{
    return syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), id, argument) == 0 ? 0 : -errno;
}

int project_check(int fd)
{
    const unsigned both = FS_QUOTA_PDQ_ACCT | FS_QUOTA_PDQ_ENFD;
    struct fs_quota_stat stat = { .qs_version = FS_QSTAT_VERSION };

    return control(fd, Q_XGETQSTAT, 0, &stat) == 0 && (stat.qs_flags & both) == both ? 0
                                                                                     : -EOPNOTSUPP;
}

int project_usage(int fd, uint32_t id, struct project_usage *usage)
{
    struct fs_disk_quota quota = { .d_version = FS_DQUOT_VERSION };
    int error = control(fd, Q_XGETQUOTA, id, &quota);

    *usage = (struct project_usage){ .used = 0 };
    // To xfs a project that nothing was ever counted for is not there.
    if (error)
        return error == -ENOENT ? 0 : error;
    usage->limits.size = quota.d_blk_hardlimit * BLOCK;
    usage->limits.inodes = quota.d_ino_hardlimit;
    usage->used = quota.d_bcount * BLOCK;
    usage->inodes_used = quota.d_icount;
    return 0;
}

int project_limit(int fd, uint32_t id, const struct project_limits *limits)
{
    struct fs_disk_quota quota = { .d_version = FS_DQUOT_VERSION,
                                   .d_flags = FS_PROJ_QUOTA,
                                   .d_fieldmask =
                                       FS_DQ_BHARD | FS_DQ_BSOFT | FS_DQ_IHARD | FS_DQ_ISOFT,
                                   .d_id = id,
                                   .d_blk_hardlimit = limits->size / BLOCK,
                                   .d_ino_hardlimit = limits->inodes };

    return control(fd, Q_XSETQLIM, id, &quota);
}

int project_get(int fd, struct project *project)
{
    struct fsxattr attributes;

    *project = (struct project){ .id = 0 };
    if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) != 0)
        return errno == ENOTTY || errno == EOPNOTSUPP ? 0 : -errno;
    project->id = attributes.fsx_projid;
    project->inherited = attributes.fsx_xflags & FS_XFLAG_PROJINHERIT;
    return 0;
}

int project_set(int fd, const struct project *project)
{
    struct fsxattr attributes;

    if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) != 0)
        return -errno;
    attributes.fsx_projid = project->id;
    attributes.fsx_xflags &= ~(unsigned)FS_XFLAG_PROJINHERIT;
    if (project->inherited)
        attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    return ioctl(fd, FS_IOC_FSSETXATTR, &attributes) == 0 ? 0 : -errno;
}

/* Returns whether a project has room for an object. xfs asks no limit when an object changes its
 * project. */
static bool has_room(int fd, uint32_t id)
{
    struct project_usage usage;
    struct stat st;

    if (id == 0 || project_usage(fd, id, &usage) != 0 || fstat(fd, &st) != 0)
        return true;
    return (!usage.limits.size ||
            usage.used + (uint64_t)st.st_blocks * BLOCK <= usage.limits.size) &&
           (!usage.limits.inodes || usage.inodes_used < usage.limits.inodes);
}

int project_move(int fd, const struct project *project)
{
    return has_room(fd, project->id) ? project_set(fd, project) : -EDQUOT;
}
