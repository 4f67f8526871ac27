// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/descriptors.h"

#include <errno.h>
#include <unistd.h>

#include "fs/inode/deferred_close.h"

/* How many descriptors are closed at once when they run out, so that it need not happen again
 * soon. */
#define ROOM_DESCRIPTORS 16

/* Descriptors that clients cannot use up: for the threads, two each, and for whatever comes
 * between. */
#define RESERVED_DESCRIPTORS 24

bool descriptors_make_room(struct volume *volume, int *result)
{
    struct node_resources taken;
    int closed = 0;

    if (*result != -EMFILE)
        return false;
    closed = (int)deferred_close_count(volume);
    deferred_close_run(volume, true);
    while (closed < ROOM_DESCRIPTORS && node_shed(&volume->nodes, &taken)) {
        closed += taken.path_fd >= 0;
        resources_close(volume, &taken);
    }
    // Nothing was left to close: the daemon lacks descriptors, not the caller.
    if (closed == 0)
        *result = -ENFILE;
    return closed > 0;
}

bool descriptors_is_last(const struct volume *volume, int fd)
{
    // The kernel gives out the lowest free number.
    return fd >= volume->info.descriptors_limit - RESERVED_DESCRIPTORS;
}

int descriptors_not_last(const struct volume *volume, int fd)
{
    if (fd < 0 || !descriptors_is_last(volume, fd))
        return fd;
    close(fd);
    return -EMFILE;
}
