// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fs/broker/registrar.h"
#include "lib/area/store_lock.h"
#include "lib/broker/device.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

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
    struct device_backing_map map = { .fd = fd };
    int id;

    if (volume->info.brokered)
        return registrar_register(volume->registrar, volume->info.device, fd,
                                  node_backing_highest(&volume->nodes));
    id = ioctl(volume->info.device, DEVICE_BACKING_OPEN, &map);
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

static void drop_id(struct volume *volume, int id)
{
    uint32_t number = (uint32_t)id;

    if (volume->info.brokered)
        registrar_close(volume->registrar, volume->info.device, id);
    else
        ioctl(volume->info.device, DEVICE_BACKING_CLOSE, &number);
}

void backing_close(struct volume *volume, int id)
{
    drop_id(volume, id);
    node_backing_closed(&volume->nodes, id);
}

void backing_close_unheard(struct volume *volume)
{
    int32_t highest = node_backing_highest(&volume->nodes);

    if (volume->info.brokered) {
        registrar_doubt(volume->registrar, volume->info.device, highest);
        return;
    }
    for (int i = 1; i <= BACKING_IDS_AHEAD; i++)
        drop_id(volume, highest + i);
}

#define TRIAL_NAME "trial"

/* Makes a file in a store that has none without a name; what a process that died here has left is
 * the file. */
static int make_named_trial(const struct area *store)
{
    CLEANUP_FD int dir = store_private_open(store);
    int file;

    if (dir < 0)
        return dir;
    file = openat(dir, TRIAL_NAME, O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return -errno;
    unlinkat(dir, TRIAL_NAME, 0);
    return file;
}

/* Makes a file in an area to try passthrough with. One without a name leaves nothing behind. */
static int make_trial(const struct area *area)
{
    int file = openat(area->root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (file < 0 && errno == EOPNOTSUPP)
        return make_named_trial(area);
    return file < 0 ? -errno : file;
}

enum backing_answer backing_ask_broker(struct volume *volume, unsigned area)
{
    struct data_path *path = &volume->info.data_paths[area];
    CLEANUP_FD int file = make_trial(volume_area(volume, area));
    bool answered = true;
    int error = file;

    if (file >= 0)
        error = registrar_probe(volume->registrar, volume->info.device, file, &answered,
                                path->reason, sizeof(path->reason));
    else
        snprintf(path->reason, sizeof(path->reason), "no file can be made to try passthrough: %s",
                 strerror(-error));
    path->passthrough = error == 0 || file == -EROFS;
    if (path->passthrough)
        path->reason[0] = '\0';
    return file == -EROFS ? BACKING_UNTRIED
           : !answered    ? BACKING_SILENCE
           : error        ? BACKING_NO
                          : BACKING_YES;
}

static int try_file_of(struct volume *volume, const struct area *area)
{
    CLEANUP_FD int file = make_trial(area);
    CLEANUP_FD int path_fd = -1;
    int id;

    if (file < 0)
        return file;
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
    drop_id(volume, id);
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
