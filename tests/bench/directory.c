// SPDX-License-Identifier: BSD-2-Clause
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

// Not along with sys/mount.h: older versions of glibc define the same names there.
#include <linux/fs.h>

size_t directory_room(const struct setting *setting)
{
    // The most is what a sort takes.
    return 5 * setting->size + setting->size / 8 + ((size_t)2 << 30);
}

int directory_make(const struct side *side, const char *prefix, struct place *place,
                   const struct setting *setting, char path[PATH_MAX])
{
    if (snprintf(path, PATH_MAX, "%s/%s-%s", setting->scratch, prefix, side->name) >= PATH_MAX)
        return place_refuse(place, -ENAMETOOLONG, "%s is too long a path", setting->scratch);
    if (mkdir(path, 0755) < 0)
        return place_refuse(place, -errno, "%s: %s", path, strerror(errno));
    return 0;
}

// Has ext4 choose a block group by its name for each directory that is made in this one, and not one
// beside it. Otherwise all rounds of all sides make and remove their files in the same few groups,
// and there an ext4 without a journal passes over many inodes that were freed before, one after the
// other for each file: a side would pay for what others have removed. It is done on all sides alike;
// a filesystem that knows nothing of it does not need it.
static void spread_directories(const char *path)
{
    int flags;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
        flags |= FS_TOPDIR_FL;
        ioctl(fd, FS_IOC_SETFLAGS, &flags);
    }
    close(fd);
}

int directory_make_roomy(const struct side *side, const char *prefix, struct place *place,
                         const struct setting *setting, char path[PATH_MAX])
{
    struct statvfs fs;
    int error = directory_make(side, prefix, place, setting, path);

    if (error < 0)
        return error;
    if (statvfs(path, &fs) < 0)
        return place_refuse(place, -errno, "%s: %s", path, strerror(errno));
    if (fs.f_bavail * fs.f_frsize < directory_room(setting))
        return place_refuse(place, -ENOSPC, "%s has less than %zu MiB free", setting->scratch,
                            directory_room(setting) >> 20);
    spread_directories(path);
    return 0;
}
