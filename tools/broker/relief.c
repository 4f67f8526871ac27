// SPDX-License-Identifier: BSD-2-Clause
#include "tools/broker/relief.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "tools/broker/descriptor.h"

/* Forgets mounts that have gone. */
static void forget_gone(struct relief *relief, int connections)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < relief->count; i++) {
        if (connections_has(connections, relief->mounts[i].connection, relief->mounts[i].uid))
            relief->mounts[kept++] = relief->mounts[i];
    }
    relief->count = kept;
}

/* Finds the mount of a user that has relief. NULL: none has. */
static const struct relief_mount *find_mount(const struct relief *relief, uid_t uid)
{
    for (unsigned i = 0; i < relief->count; i++) {
        if (relief->mounts[i].uid == uid)
            return &relief->mounts[i];
    }
    return NULL;
}

/* A connection has the number of its device, which has no major number. */
static int set_ratio(uint32_t connection, unsigned ratio)
{
    char path[64], text[8];
    CLEANUP_FD int fd = -1;
    int length = snprintf(text, sizeof(text), "%u", ratio);

    snprintf(path, sizeof(path), "/sys/class/bdi/0:%" PRIu32 "/max_ratio", connection);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, (size_t)length) == length ? 0 : -errno;
}

int relief_give(struct relief *relief, int connections, uid_t uid, uint32_t connection)
{
    const struct relief_mount *one;
    int error;

    // The child that asks has looked; but it works for a stranger.
    if (!connections_has(connections, connection, uid))
        return -EPERM;
    forget_gone(relief, connections);
    if (relief->ratio == 0)
        return -EOPNOTSUPP;
    one = find_mount(relief, uid);
    if (one)
        return one->connection == connection ? 0 : -EBUSY;
    if ((relief->count + 1) * relief->ratio > RELIEF_PERCENT_MAX)
        return -EBUSY;
    error = set_ratio(connection, relief->ratio);
    if (!error)
        relief->mounts[relief->count++] = (struct relief_mount){ uid, connection };
    return error;
}
