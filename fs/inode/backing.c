// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

/* The kernel's interface, as its header linux/fuse.h has it; older distributions have that header
 * without it. */
struct backing_map {
    int32_t fd;
    uint32_t flags;
    uint64_t padding;
};
#define BACKING_OPEN  _IOW(229, 1, struct backing_map)
#define BACKING_CLOSE _IOW(229, 2, uint32_t)

struct backing_registry {
    // Held from the registration of a file until the table knows its id, so that at most one id can
    // be lost with the process.
    struct lock lock;
};

int backing_init(struct volume *volume)
{
    struct backing_registry *registry = calloc(1, sizeof(*registry));

    if (!registry)
        return -ENOMEM;
    lock_init(&registry->lock, LOCK_BACKING);
    volume->backings = registry;
    return 0;
}

void backing_destroy(struct volume *volume)
{
    free(volume->backings);
    volume->backings = NULL;
}

static int register_file(struct volume *volume, int fd)
{
    struct backing_map map = { .fd = fd };
    int id = ioctl(volume->info.device, BACKING_OPEN, &map);

    return id > 0 ? id : id < 0 ? -errno : -EPROTO;
}

/* Returns a backing id (> 0) or a negative errno. */
static int register_path(struct volume *volume, int path_fd)
{
    CLEANUP_FD int fd = -1;

    if (!volume->info.backing_takes_open)
        return register_file(volume, path_fd);
    fd = object_reopen(path_fd, O_RDONLY);
    return fd < 0 ? fd : register_file(volume, fd);
}

int backing_register(struct volume *volume, struct node_ref *ref, int path_fd)
{
    struct lock *lock = &volume->backings->lock;
    int id;

    lock_take(lock);
    id = register_path(volume, path_fd);
    if (id > 0)
        node_set_backing(&volume->nodes, ref, id);
    lock_release(lock);
    if (id < 0)
        return id;
    ref->held.backing_id = id;
    return 0;
}

void backing_drop(struct volume *volume, int id)
{
    uint32_t number = (uint32_t)id;

    ioctl(volume->info.device, BACKING_CLOSE, &number);
}

void backing_close(struct volume *volume, int id)
{
    backing_drop(volume, id);
    node_backing_closed(&volume->nodes, id);
}

static int try_file_of(struct volume *volume, const struct area *area)
{
    // A file without a name leaves nothing behind.
    CLEANUP_FD int file = openat(area->root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    CLEANUP_FD int path_fd = -1;
    int id;

    if (file < 0)
        return -errno;
    path_fd = object_reopen(file, O_PATH);
    if (path_fd < 0)
        return path_fd;
    id = register_path(volume, path_fd);
    if (id == -EBADF && !volume->info.backing_takes_open) {
        // Linux before 6.12 takes no O_PATH descriptor. The access mode of an open one does not
        // matter.
        volume->info.backing_takes_open = true;
        id = register_path(volume, path_fd);
    }
    if (id < 0)
        return id;
    backing_drop(volume, id);
    return 0;
}

void backing_probe(struct volume *volume, unsigned area)
{
    struct data_path *path = &volume->info.data_paths[area];
    const struct area *tree = volume_area(volume, area);
    char reason[sizeof(path->reason)];
    int error;

    if (tree->root < 0 || !path->passthrough)
        return;
    error = try_file_of(volume, tree);
    // A read-only store cannot be tried. Passthrough asks no more of it than of a writable one.
    if (error == -EROFS)
        error = 0;
    path->passthrough = error == 0;
    if (error) {
        snprintf(reason, sizeof(reason), "the kernel refuses to pass %s through: %s",
                 tree->filesystem, strerror(-error));
        strlcpy(path->reason, reason, sizeof(path->reason));
    }
}
