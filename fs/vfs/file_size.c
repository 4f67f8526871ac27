// SPDX-License-Identifier: BSD-2-Clause
#include "fs/vfs/file_size.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/inode/impersonate.h"
#include "fs/vfs/attr.h"
#include "fs/vfs/file_io.h"
#include "fs/vfs/reclaim.h"
#include "fs/vfs/size_notify.h"
#include "lib/object/reserve.h"
#include "lib/object/zero_range.h"

bool file_take_memory(const struct inode *inode, uint64_t bytes)
{
    return !area_kind(inode->ref.area)->is_memory ||
           memory_guard_take(inode->volume->memory, bytes);
}

/* Lets a file grow by what there is room for, or not at all. */
static int grow_with_room(const struct inode *inode, int fd, off_t size, off_t grown)
{
    struct volume *volume = inode->volume;
    unsigned mark = reclaim_mark(volume);
    int error;

    do {
        error = file_take_memory(inode, (uint64_t)(grown - size)) ? 0 : -ENOSPC;
        if (!error && fallocate(fd, 0, size, grown - size) != 0)
            error = -errno;
    } while (error == -ENOSPC && reclaim_wait(volume, &mark));
    return error;
}

/* Returns whether nobody writes beyond the end that the area knows of while the kernel holds the
 * lock of its inode, as it does while it sets an attribute. */
static bool is_settled(const struct inode *inode)
{
    return inode_is_passthrough(inode) || !inode->volume->info.writeback;
}

int file_take_setid(struct inode *inode, int fd)
{
    struct stat before, after;

    if (fstat(fd, &before) != 0)
        return -errno;
    if (!(before.st_mode & (S_ISUID | S_ISGID)))
        return 0;
    // The area decides, as it does before a write of this thread.
    if (ftruncate(fd, before.st_size) != 0 || fstat(fd, &after) != 0)
        return -errno;
    if (before.st_mode != after.st_mode)
        inode_touched(inode, false);
    return 0;
}

struct setid_change setid_change_begin(struct inode *inode, int fd, fuse_req_t caller)
{
    struct setid_change change = { .inode = inode, .fd = fd };
    struct stat now;

    if (!caller)
        return change;
    if (fstat(fd, &now) != 0) {
        impersonate_none(inode->volume);
        return change;
    }
    if (now.st_mode & (S_ISUID | S_ISGID))
        change.before = now.st_mode;
    impersonate_writer(inode->volume, caller, &now);
    return change;
}

void setid_change_end(const struct setid_change *change)
{
    struct stat now;

    if (change->before && (fstat(change->fd, &now) != 0 || now.st_mode != change->before))
        attr_invalidate(change->inode->volume, change->inode->ref.id);
}

static int change_size(struct inode *inode, int fd, off_t size)
{
    const struct contents *contents = inode_contents(inode);
    struct stat st = { .st_size = 0 };
    int error;

    if (contents) {
        error = file_take_setid(inode, fd);
        return error ? error : contents->truncate(inode, fd, size);
    }
    // Nothing is made larger by nothing.
    if (size > 0 && fstat(fd, &st) != 0)
        return -errno;
    if (size > st.st_size && inode_area(inode)->reserves)
        return grow_with_room(inode, fd, st.st_size, size);
    if (ftruncate(fd, size) != 0)
        return -errno;
    // Nothing is left that was reserved beyond the end.
    return size > st.st_size ? 0 : reserve_renew(fd, is_settled(inode));
}

int file_truncate(struct inode *inode, off_t size, fuse_req_t caller)
{
    KEEP_SETID(&inode->volume->info.cred, !caller);
    FILE_IO struct file_io io = FILE_IO_NONE;
    int error = inode_is_regular(inode) ? file_io_begin(inode, true, &io) : -EINVAL;

    if (error)
        return error;
    SETID_CHANGE setid = setid_change_begin(inode, io.fd, caller);
    struct size_change change = size_notify_begin(inode, io.fd, size);
    error = change_size(inode, io.fd, size);
    size_notify_end(&change, size, error == 0);
    if (!error && size == 0)
        file_io_forget_loss(inode);
    return error;
}

int file_reserve(struct inode *inode, uint64_t bytes)
{
    struct volume *volume = inode->volume;
    unsigned mark = reclaim_mark(volume);
    FILE_IO struct file_io io = FILE_IO_NONE;
    KEEP_SETID(&volume->info.cred, true);
    bool settled = is_settled(inode);
    int error = inode_is_regular(inode) ? file_io_begin(inode, true, &io) : -EINVAL;

    if (error)
        return error;
    // A write waits elsewhere until it is committed, and needs room there.
    if (inode_contents(inode))
        return -EOPNOTSUPP;
    if (bytes == 0)
        return reserve_drop(io.fd, settled);
    do
        error = file_take_memory(inode, bytes) ? reserve_set(io.fd, bytes, settled) : -ENOSPC;
    while (error == -ENOSPC && reclaim_wait(volume, &mark));
    return error;
}

static int allocate_in_area(const struct inode *inode, int fd, int mode, off_t offset, off_t length)
{
    int keep_size = mode & FALLOC_FL_KEEP_SIZE;
    int error = fallocate(fd, mode, offset, length) == 0 ? 0 : -errno;

    // tmpfs does not know it; a store has what its filesystem has.
    return error == -EOPNOTSUPP && (mode & ~keep_size) == FALLOC_FL_ZERO_RANGE &&
                   area_kind(inode->ref.area)->is_memory
               ? object_zero_range(fd, keep_size, offset, length)
               : error;
}

int file_allocate(struct inode *inode, int fd, int mode, off_t offset, off_t length)
{
    const struct contents *contents = inode_contents(inode);
    off_t size = mode & FALLOC_FL_KEEP_SIZE ? 0 : offset + length;
    struct size_change change = size_notify_begin(inode, fd, size);
    int error = contents ? file_take_setid(inode, fd) : 0;

    if (!error)
        error = contents ? contents->allocate(inode, fd, mode, offset, length)
                         : allocate_in_area(inode, fd, mode, offset, length);
    size_notify_end(&change, size, error == 0);
    return error;
}
