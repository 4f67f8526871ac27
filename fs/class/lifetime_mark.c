// SPDX-License-Identifier: BSD-2-Clause
#include "fs/class/lifetime_mark.h"

#include <errno.h>
#include <string.h>

#include "fs/class/mirror.h"
#include "fs/lifetime/last_close.h"
#include "lib/class/lifetime.h"

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

/* Gives a directory a lifetime for what is made in it from now on, also in the store, as far as it
 * is kept there. */
static int mark_lifetime(struct inode *directory, const struct shmap_lifetime *lifetime)
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

int lifetime_mark_get(struct inode *inode, char **value)
{
    char text[SHMAP_LIFETIME_TEXT_MAX];
    struct shmap_lifetime lifetime;

    if (!inode_class(inode)->has_lifetimes || (!inode_is_dir(inode) && !inode_is_regular(inode)))
        return -ENODATA;
    lifetime = lifetime_get(inode->fd);
    shmap_lifetime_text(&lifetime, text);
    *value = strdup(text);
    return 0;
}

int lifetime_mark_set(struct inode *inode, const char *value, size_t size)
{
    struct shmap_lifetime lifetime;
    int error = shmap_lifetime_parse(value, size, &lifetime);

    return error ? error : mark_lifetime(inode, &lifetime);
}

int lifetime_mark_remove(struct inode *inode)
{
    return mark_lifetime(inode, &(struct shmap_lifetime){ .last_close = false });
}
