// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fs/inode/deferred_close.h"
#include "fs/inode/orphans.h"
#include "fs/util/clock.h"
#include "lib/sys/cleanup.h"

/* How many descriptors are closed at once when they run out, so that it need not happen again
 * soon. */
#define ROOM_DESCRIPTORS 16

/* Descriptors that clients cannot use up: for the threads, two each, and for whatever comes
 * between. */
#define RESERVED_DESCRIPTORS 38

/* When no more than this part of the descriptors is left, a request that can wait for orphans to go
 * does so. The rest is for the requests that come when too many wait. */
#define SCARCE_FRACTION 8

/* How long such a request waits. */
#define SCARCE_NANOSECONDS UINT64_C(20000000)

/* How long one call is tried again for. */
#define WAIT_NANOSECONDS UINT64_C(4000000000)

/* Closes descriptors that are only kept at hand. Returns whether there were any. */
static bool close_kept(struct volume *volume)
{
    int closed = (int)deferred_close_run(volume);
    struct node_resources taken;

    while (closed < ROOM_DESCRIPTORS && node_shed(&volume->nodes, &taken)) {
        closed += taken.path_fd >= 0;
        resources_close(volume, &taken);
    }
    return closed > 0;
}

bool descriptors_make_room(struct volume *volume, int *result)
{
    if (*result != -EMFILE)
        return false;
    if (close_kept(volume))
        return true;
    // Nothing was left to close: the daemon lacks descriptors, not the caller.
    *result = -ENFILE;
    return false;
}

/* Tells whether a descriptor can be had: others may have closed some since the call failed. */
static bool is_room(const struct volume *volume)
{
    CLEANUP_FD int fd =
        descriptors_not_last(volume, fcntl(volume->info.device, F_DUPFD_CLOEXEC, 0));

    return fd >= 0;
}

static bool is_scarce(const struct volume *volume, int fd)
{
    int limit = volume->info.descriptors_limit;

    return fd >= limit - limit / SCARCE_FRACTION - RESERVED_DESCRIPTORS;
}

bool descriptors_await_room(struct volume *volume, int *result, uint64_t *since)
{
    bool missing = *result == -EMFILE;
    unsigned mark;
    bool came;

    if (!missing && (*result < 0 || !is_scarce(volume, *result)))
        return false;
    if (*since == 0)
        *since = clock_now();
    mark = orphans_gone(volume);
    came = close_kept(volume) || (missing && is_room(volume)) ||
           orphans_wait_until(volume, &mark,
                              clock_now() + (missing ? WAIT_NANOSECONDS : SCARCE_NANOSECONDS));
    // Others may be faster each time.
    if (missing && clock_now() - *since > WAIT_NANOSECONDS)
        came = false;
    if (missing && !came)
        *result = -ENFILE;
    return missing && came;
}

int descriptors_for_clients(const struct volume *volume)
{
    return volume->info.descriptors_limit - RESERVED_DESCRIPTORS;
}

bool descriptors_is_last(const struct volume *volume, int fd)
{
    // The kernel gives out the lowest free number.
    return fd >= descriptors_for_clients(volume);
}

int descriptors_not_last(const struct volume *volume, int fd)
{
    if (fd < 0 || !descriptors_is_last(volume, fd))
        return fd;
    close(fd);
    return -EMFILE;
}
