// SPDX-License-Identifier: BSD-2-Clause
#include "fs/outage/ram_release.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"

static bool is_of_ram(struct volume *volume, dev_t device)
{
    for (unsigned area = AREA_RAM; area < AREAS; area++) {
        if (volume_has_area(volume, area) && volume_area(volume, area)->device == device)
            return true;
    }
    return false;
}

void ram_release(struct volume *volume)
{
    CLEANUP_FD int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct statx stx;

    for (int fd = STDERR_FILENO + 1; nothing >= 0 && fd < volume->info.descriptors_limit; fd++) {
        // The journal's data there is still to be brought to the store, where a class has one.
        // Asked for nothing, a filesystem tells its device without its server.
        if (fd == nothing || (fd == volume->state->spill && volume->state->caches_class) ||
            statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &stx) != 0)
            continue;
        if (is_of_ram(volume, makedev(stx.stx_dev_major, stx.stx_dev_minor)))
            dup3(nothing, fd, O_CLOEXEC);
    }
}
