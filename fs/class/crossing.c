// SPDX-License-Identifier: BSD-2-Clause
#include "fs/class/crossing.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fs/inode/impersonate.h"
#include "fs/limit/scratch_limit.h"
#include "fs/util/fault.h"
#include "lib/class/file_mark.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

/* Opens a file by a name that the kernel keeps as it is. Its owner may only read it, or only write
 * to it. Returns a descriptor or a negative errno. */
static int open_to_sync(const struct inode *from, const char *name)
{
    static const int modes[] = { O_RDONLY, O_WRONLY };
    int fd = -EACCES;

    for (size_t i = 0; fd == -EACCES && i < sizeof(modes) / sizeof(modes[0]); i++) {
        fd = openat(from->fd, name, modes[i] | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
        fd = fd < 0 ? -errno : fd;
    }
    return fd;
}

static int make_up_for_sync(const struct inode *from, const char *name)
{
    CLEANUP_FD int fd = open_to_sync(from, name);

    volume_will_wait(from->volume);
    // A file that cannot be opened goes with all of the store.
    if (fd < 0)
        return syncfs(inode_area(from)->root) == 0 ? 0 : -errno;
    return fsync(fd) == 0 ? 0 : -errno;
}

/* Returns whether a file has a class of its own, which it takes along. */
static bool has_own_class(const struct inode *from, const char *name)
{
    CLEANUP_FD int fd = from->volume->state->file_classes ? object_open_in(from->fd, name) : -1;
    enum shmap_class class;

    return fd >= 0 && file_mark_get(fd, &class) == 0;
}

/* Has a file count for the project of the directory that it goes to. The kernel would refuse to
 * move it to one that hands its project on, and from such a one let it count as before. */
static int change_project(const struct inode *from, const char *name, const struct inode *to,
                          mode_t mode, struct crossing *crossing)
{
    COPY_ATTRIBUTES(&from->volume->info.cred);
    struct project after = { .id = 0 };
    uint32_t id;
    int error = scratch_limit_project(from, &id);

    if (!error)
        error = scratch_limit_project(to, &after.id);
    if (error || id == after.id)
        return error;
    if (!S_ISREG(mode))
        return -EXDEV;
    crossing->fd = open_to_sync(from, name);
    if (crossing->fd < 0)
        return -EXDEV;
    error = project_get(crossing->fd, &crossing->before);
    if (!error && crossing->before.id != after.id)
        error = project_move(crossing->fd, &after);
    crossing->done = error != 0;
    return error;
}

void crossing_end(struct crossing *crossing)
{
    if (crossing->fd < 0)
        return;
    if (!crossing->done)
        project_set(crossing->fd, &crossing->before);
    close(crossing->fd);
}

int crossing_begin(const struct inode *from, const char *name, const struct inode *to,
                   unsigned flags, struct crossing *crossing)
{
    struct node_key key;
    struct statx stx;
    int error = inode_key_of_name(from, name, &key, &stx);

    if (error)
        return error;
    if (!area_kind(from->ref.area)->lasts || S_ISDIR(stx.stx_mode) || stx.stx_nlink > 1 ||
        (flags & ~(unsigned)RENAME_NOREPLACE) || inode_class(from)->contents ||
        inode_class(to)->contents || has_own_class(from, name))
        return -EXDEV;
    error = from->volume->info.cred.privileged
                ? change_project(from, name, to, stx.stx_mode, crossing)
                : 0;
    if (error)
        return error;
    if (!S_ISREG(stx.stx_mode) || inode_class(from)->sync_waits || !inode_class(to)->sync_waits)
        return 0;
    return make_up_for_sync(from, name);
}

void crossing_done(const struct inode *to, const struct node_key *key)
{
    INODE struct inode inode = INODE_NONE;

    fault_point(FAULT_AFTER_EXECUTION);
    // Without a descriptor: the file may have none left to be opened by.
    if (!node_use_key(&to->volume->nodes, key, &inode.ref))
        return;
    inode.volume = to->volume;
    node_set_class(&to->volume->nodes, &inode.ref, to->ref.class);
}
