// SPDX-License-Identifier: BSD-2-Clause
#include "fs/mount/damage.h"

#include <unistd.h>

#include "fs/mount/mount.h"
#include "fs/mount/mountpoint.h"
#include "fs/state/worker_status.h"
#include "fs/util/log.h"

void mount_damaged(void *argument, const char *what)
{
    struct mount *mount = argument;

    // Another thread has found it, says so and ends the process.
    while (atomic_flag_test_and_set(&mount->damaged))
        pause();
    log_event(LOG_ERR,
              "the memory of the mount is damaged (%s); the mount ends, "
              "because it could serve wrong data",
              what);
    mountpoint_take_away(&mount->volume.info);
    _exit(WORKER_DAMAGED);
}
