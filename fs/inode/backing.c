// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/sys/cleanup.h"
#include "lib/object/object.h"

/* The kernel's interface, as in its header linux/fuse.h, which older distributions have without it.
 * */
struct backing_map {
    int32_t fd;
    uint32_t flags;
    uint64_t padding;
};
#define BACKING_OPEN  _IOW(229, 1, struct backing_map)
#define BACKING_CLOSE _IOW(229, 2, uint32_t)

static int register_file(struct mount *mount, int fd)
{
    struct backing_map map = { .fd = fd };
    int id = ioctl(mount->facts.device, BACKING_OPEN, &map);

    return id > 0 ? id : id < 0 ? -errno : -EPROTO;
}

int backing_open(struct mount *mount, int path_fd)
{
    CLEANUP_FD int fd = -1;

    if (!mount->facts.backing_takes_open)
        return register_file(mount, path_fd);
    fd = object_reopen(path_fd, O_RDONLY);
    return fd < 0 ? fd : register_file(mount, fd);
}

void backing_drop(struct mount *mount, int id)
{
    uint32_t number = (uint32_t)id;

    ioctl(mount->facts.device, BACKING_CLOSE, &number);
}

void backing_close(struct mount *mount, int id)
{
    backing_drop(mount, id);
    node_backing_closed(&mount->nodes, id);
}

static int try_file_of(struct mount *mount, const struct area *area)
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
    id = backing_open(mount, path_fd);
    if (id == -EBADF && !mount->facts.backing_takes_open) {
        // Linux before 6.12 takes no O_PATH descriptor. Whether it reads or writes does not matter.
        mount->facts.backing_takes_open = true;
        id = backing_open(mount, path_fd);
    }
    if (id < 0)
        return id;
    backing_drop(mount, id);
    return 0;
}

void backing_probe(struct mount *mount, enum area_kind kind)
{
    struct data_path *path = &mount->facts.data_paths[kind];
    const struct area *area = &mount->facts.areas[kind];
    char reason[sizeof(path->reason)];
    int error;

    if (area->root < 0 || !path->passthrough)
        return;
    error = try_file_of(mount, area);
    // A store that cannot be written to cannot be tried, and takes no more than one that can.
    if (error == -EROFS)
        error = 0;
    path->passthrough = error == 0;
    if (error) {
        snprintf(reason, sizeof(reason), "the kernel refuses to pass %s through: %s",
                 area->filesystem, strerror(-error));
        strlcpy(path->reason, reason, sizeof(path->reason));
    }
}
