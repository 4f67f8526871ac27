// SPDX-License-Identifier: BSD-2-Clause
/*
 * Removing a file whose last user has gone, in three steps: the name, the node's flags, and what
 * the kernel knows. A process may die in between, so state->removing says which node it was at.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "fs/inode/descriptors.h"
#include "fs/inode/rename.h"
#include "fs/lifetime/candidates.h"
#include "fs/lifetime/last_close.h"
#include "fs/notice/notice.h"
#include "fs/util/clock.h"
#include "fs/util/fault.h"
#include "fs/util/log.h"
#include "lib/class/class_root.h"
#include "lib/sys/cleanup.h"

#define DELETED " (deleted)"

/* A file's place in its area. */
struct place {
    char path[PATH_MAX + 1]; // of its directory, without the first slash; "." is the area's root
    char *name;
};

/* Finds the place that a file has, or had. */
static int find_place(int fd, bool gone, struct place *place)
{
    struct object_path link;
    ssize_t length = readlink(object_path_of(fd, &link), place->path, PATH_MAX);
    size_t tail = gone ? strlen(DELETED) : 0;

    if (length <= (ssize_t)tail || length == PATH_MAX)
        return length < 0 ? -errno : -ENAMETOOLONG;
    place->path[(size_t)length - tail] = '\0';
    place->name = strrchr(place->path, '/');
    if (!place->name)
        return -ENOENT;
    *place->name++ = '\0';
    return 0;
}

/* Opens the directory of a place. */
static int open_place(const struct inode *inode, const struct place *place)
{
    struct volume *volume = inode->volume;
    int fd;

    do
        fd = object_open_beneath(inode_area(inode)->root, *place->path ? place->path + 1 : ".",
                                 O_PATH);
    while (descriptors_make_room(volume, &fd));
    return fd;
}

/* Takes the name away if it is still the file's; all names are frozen. */
static int unlink_name(struct inode *inode)
{
    struct place place;
    struct statx stx, named;
    int error = object_stat(inode->fd, &stx);

    if (error || stx.stx_nlink == 0)
        return error;
    if (stx.stx_nlink > 1)
        return -EMLINK;
    error = find_place(inode->fd, false, &place);
    if (error)
        return error;
    CLEANUP_FD int dir = open_place(inode, &place);
    if (dir < 0)
        return dir;
    // It was known by a name that it does not have any more.
    if (statx(dir, place.name, AT_SYMLINK_NOFOLLOW, OBJECT_STATX_MASK, &named) != 0 ||
        named.stx_ino != stx.stx_ino)
        return -ESTALE;
    inode->volume->state->removing = inode->ref.id;
    error = unlinkat(dir, place.name, 0) == 0 ? 0 : -errno;
    fault_point(FAULT_IN_REMOVAL);
    return error;
}

int removal_unlink(struct inode *inode, const struct candidate *candidate)
{
    struct volume *volume = inode->volume;
    int error;

    entries_freeze(volume);
    error = candidate_stays_until(volume->last_close, candidate) > clock_now() ? -EAGAIN
                                                                               : unlink_name(inode);
    if (!error) {
        node_flags(&volume->nodes, &inode->ref, NODE_GONE, 0);
        inode_name_removed(inode, 1);
        fault_point(FAULT_AFTER_REMOVAL);
    } else {
        volume->state->removing = 0;
    }
    entries_thaw(volume);
    return error;
}

void last_close_recover(struct volume *volume)
{
    INODE struct inode inode = INODE_NONE;
    uint64_t id = volume->state->removing;
    struct statx stx;

    if (id == 0)
        return;
    // It had its name when the process died, or the kernel does not know it.
    if (inode_acquire(volume, id, &inode) != 0 || object_stat(inode.fd, &stx) != 0 ||
        stx.stx_nlink > 0) {
        volume->state->removing = 0;
        return;
    }
    node_flags(&volume->nodes, &inode.ref, NODE_GONE, 0);
    if (!(inode.ref.flags & NODE_UNLINKED))
        inode_name_removed(&inode, 1);
}

/* Finds the node of a directory in an area; the directory's own path is that of a class root if it
 * has one name. Returns its id; 0: the kernel does not know it. */
static uint64_t node_of_directory(const struct inode *inode, const struct place *place)
{
    struct volume *volume = inode->volume;
    INODE struct inode dir = INODE_NONE;
    struct node_key key = { .tree = AREA_STORE };
    CLEANUP_FD int fd = open_place(inode, place);
    const char *below;
    struct statx stx;

    if (fd < 0 || object_stat(fd, &stx) != 0)
        return 0;
    if (volume_area(volume, AREA_STORE)->root < 0 ||
        class_root_of_path(place->path, &key.ino, &key.birth, &below) != 0 || *below != '\0')
        key = (struct node_key){ .ino = stx.stx_ino,
                                 .birth = object_birth(&stx),
                                 .tree = inode->ref.area };
    return inode_of_key(volume, &key, &dir) == 0 && dir.volume ? dir.ref.id : 0;
}

static void send_farewell(struct volume *volume, uint64_t parent, uint64_t child, const char *name)
{
    const uint32_t length = (uint32_t)strlen(name);
    const struct notice deleted = {
        .code = FUSE_NOTIFY_DELETE,
        .body.deleted = { .parent = parent, .child = child, .namelen = length },
        .body_bytes = sizeof(deleted.body.deleted),
        .data = name,
        .data_bytes = length + 1,
    };
    // A kernel that has forgotten the name may still keep a listing with it.
    const struct notice changed = {
        .code = FUSE_NOTIFY_INVAL_INODE,
        .body.inode = { .ino = parent },
        .body_bytes = sizeof(changed.body.inode),
    };
    int error = notice_send(volume->info.device, &deleted, &changed);

    if (error)
        log_event(LOG_WARNING, "the kernel was not told that a file has gone: %s",
                  strerror(-error));
}

void removal_tell(struct volume *volume)
{
    INODE struct inode inode = INODE_NONE;
    uint64_t id = volume->state->removing;
    struct place place;
    uint64_t parent;

    if (id != 0 && inode_acquire(volume, id, &inode) == 0 &&
        find_place(inode.fd, true, &place) == 0) {
        parent = node_of_directory(&inode, &place);
        if (parent != 0)
            send_farewell(volume, parent, id, place.name);
    }
    volume->state->removing = 0;
}
