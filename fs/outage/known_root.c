// SPDX-License-Identifier: BSD-2-Clause
#include "fs/outage/known_root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "fs/inode/deferred_close.h"
#include "fs/nodes/node_search.h"
#include "lib/object/object.h"

static void end_use_of(struct volume *volume, struct node_ref *ref)
{
    struct node_resources leftover;

    node_end(&volume->nodes, ref, &leftover);
    resources_close(volume, &leftover);
}

/* Writes the path that something has in a directory of the store, as the kernel tells it. */
static bool write_path(struct volume *volume, uint64_t directory, const char *name,
                       char path[PATH_MAX])
{
    size_t length = strnlen(name, KNOWN_ROOT_NAME_MAX), above;
    struct node_ref ref;
    int fd;

    if (length == KNOWN_ROOT_NAME_MAX || !node_use(&volume->nodes, directory, &ref))
        return false;
    fd = ref.held.path_fd;
    above = fd < 0 ? 0 : strlen(object_shown_path(fd, path));
    end_use_of(volume, &ref);
    if (above == 0 || above + length + 2 > PATH_MAX)
        return false;
    if (strcmp(path, "/") == 0)
        above = 0;
    path[above] = '/';
    memcpy(path + above + 1, name, length);
    path[above + 1 + length] = '\0';
    return true;
}

/* Returns whether a node is a class root with that path. When the client of the store has died, the
 * kernel marks what it could not ask about as deleted. */
static bool has_path(struct volume *volume, uint64_t id, const char *path)
{
    size_t length = strlen(path);
    char own[PATH_MAX] = "";
    struct node_ref ref;

    if (!node_use(&volume->nodes, id, &ref))
        return false;
    if (ref.area != AREA_STORE && ref.held.io_fd >= 0)
        object_shown_path(ref.held.io_fd, own);
    end_use_of(volume, &ref);
    return strncmp(own, path, length) == 0 &&
           (own[length] == '\0' || strcmp(own + length, " (deleted)") == 0);
}

uint64_t known_root_find(struct volume *volume, uint64_t directory, const char *name)
{
    char path[PATH_MAX];
    uint32_t slot = 0;
    uint64_t id;

    if (!write_path(volume, directory, name, path))
        return 0;
    do
        id = node_next_class_root(&volume->nodes, &slot);
    while (id && !has_path(volume, id, path));
    return id;
}

int known_root_look_up(struct volume *volume, uint64_t id, struct inode *inode, struct statx *stx)
{
    struct node_resources leftover[2];
    struct node_seed seed;
    struct node_ref ref;
    int copy, error;

    *inode = INODE_NONE;
    if (!node_use(&volume->nodes, id, &ref))
        return -ESTALE;
    seed = (struct node_seed){ .key = { .ino = ref.ino, .birth = ref.birth, .tree = ref.tree },
                               .area = ref.area,
                               .class = ref.class,
                               .type = ref.type,
                               .flags = ref.flags,
                               .policy = ref.policy };
    copy = fcntl(ref.held.path_fd, F_DUPFD_CLOEXEC, 0);
    error = copy < 0 ? -errno
                     : node_claim(&volume->nodes, volume_ledger(volume), &seed, copy, &inode->ref,
                                  leftover);
    if (copy >= 0)
        resources_close_both(volume, leftover);
    end_use_of(volume, &ref);
    if (error)
        return error;
    inode->volume = volume;
    inode->fd = inode->ref.held.path_fd;
    error = object_stat(inode->fd, stx);
    if (error)
        inode_unlookup(inode);
    return error;
}
