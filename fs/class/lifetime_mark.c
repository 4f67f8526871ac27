// SPDX-License-Identifier: BSD-2-Clause
#include "fs/class/lifetime_mark.h"

#include <errno.h>

#include "fs/class/mirror.h"
#include "fs/lifetime/last_close.h"

static int mark_both(struct inode *directory, const struct shmap_lifetime *lifetime)
{
    MIRROR struct mirror mirror = MIRROR_NONE;
    int error = mirror_begin_attributes(directory, &mirror);

    if (!error && mirror.at.fd >= 0)
        error = lifetime_set(mirror.at.fd, lifetime);
    if (!error)
        error = lifetime_set(directory->fd, lifetime);
    if (error)
        mirror_repair_attributes(&mirror, directory);
    return error;
}

int lifetime_mark(struct inode *directory, const struct shmap_lifetime *lifetime)
{
    struct volume *volume = directory->volume;
    uint16_t flag = NODE_LAST_CLOSE;
    const char *missing;
    int error;

    if (!inode_is_dir(directory))
        return -ENOTDIR;
    if (!inode_class(directory)->has_lifetimes)
        return -EINVAL;
    error = lifetime->last_close ? last_close_check(volume, &missing) : 0;
    if (!error)
        error = mark_both(directory, lifetime);
    if (error)
        return error;
    if (lifetime->last_close)
        volume->state->lifetimes = 1;
    node_flags(&volume->nodes, &directory->ref, lifetime->last_close ? flag : 0,
               lifetime->last_close ? 0 : flag);
    return 0;
}
