// SPDX-License-Identifier: BSD-2-Clause
/*
 * The kernel lets a FUSE mount dirty 1 % of what the whole machine may, and slows down a process
 * that writes more, even while nothing else is dirty: it cannot know whether a daemon will ever
 * clean those pages. Writing through a warm mapping of 1 GiB then takes some fifty times as long as
 * on tmpfs. Two settings of the mount's backing device in sysfs are behind that:
 *
 *     max_ratio     the 1 %. Without it most of the delay is gone.
 *     strict_limit  that the mount's share counts although the machine as a whole is below its
 *                   limit. The share is what the mount has written back lately, compared to the
 *                   disks, so a busy disk makes it small.
 *
 * Without both, the mount is treated as a disk is: the limits of the machine (vm.dirty_ratio) hold.
 * But then the mount's pages can use them up, and every writer waits until some are clean: the
 * daemon too, which is to clean them by writing to the store. PR_SET_IO_FLUSHER is the kernel's way
 * out: the daemon's writes are measured by what the store's disk alone has dirty, and the memory
 * that the daemon takes does not wait for pages to be written. Where that cannot be had (it takes
 * CAP_SYS_RESOURCE), strict_limit stays, unless there is no store: nobody waits in order to write
 * to the RAM area, which counts no pages as dirty.
 */
#include "fs/vfs/writeback.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>

#include "fs/broker/registrar.h"
#include "lib/sys/cleanup.h"

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

bool writeback_happens(const struct volume *volume)
{
    for (unsigned area = 0; area < AREAS_OF_MOUNT; area++) {
        if (volume->info.areas[area].root >= 0 && !volume->info.data_paths[area].passthrough)
            return true;
    }
    return volume->state->caches_class != 0;
}

void writeback_prepare(struct volume *volume)
{
    // It is known only later whether there is anything to write back, and this is not allowed then.
    volume->info.io_flusher =
        volume->info.cred.privileged && prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) == 0;
}

static int set(const struct volume *volume, const char *setting, const char *value)
{
    dev_t device = volume->info.device_number;
    CLEANUP_FD int fd = -1;
    char path[64];

    snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/%s", major(device), minor(device), setting);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, value, strlen(value)) > 0 ? 0 : -errno;
}

/* Has the broker lift the limits of a user's mount, and notes how that went. */
static void ask_broker(struct volume *volume)
{
    int error = registrar_raise_limits(volume->registrar, volume->info.device);

    for (unsigned area = 0; area < AREAS_OF_MOUNT && !error; area++) {
        struct data_path *path = &volume->info.data_paths[area];

        if (!path->passthrough)
            strlcat(path->reason, "; the broker lifted the limits of writing back",
                    sizeof(path->reason));
    }
    // If nothing else needs it, the connection is not kept.
    if (!volume->info.brokered)
        registrar_disconnect(volume->registrar);
}

void writeback_raise_limits(struct volume *volume)
{
    if (!writeback_happens(volume))
        return;
    if (!volume->info.cred.privileged) {
        ask_broker(volume);
        return;
    }
    // A limit that cannot be set stays as it is: the mount is only slower then.
    set(volume, "max_ratio", "100");
    if (volume->info.io_flusher || volume->info.areas[AREA_STORE].root < 0)
        set(volume, "strict_limit", "0");
}
