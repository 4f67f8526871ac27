// SPDX-License-Identifier: BSD-2-Clause
#include "fs/single/anon_contents.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/inode/descriptors.h"
#include "fs/inode/inode.h"
#include "fs/single/move_contents.h"
#include "lib/object/object.h"
#include "lib/object/zero_range.h"
#include "lib/sys/cleanup.h"

/* Room for the name of a file in the RAM area. */
struct anon_name {
    char text[48];
};

static const char *anon_name_of(const struct inode *inode, struct anon_name *name)
{
    snprintf(name->text, sizeof(name->text), "file-%" PRIx64 "-%" PRIx64, inode->ref.ino,
             inode->ref.birth);
    return name->text;
}

static int ram_root(const struct inode *inode)
{
    return volume_area(inode->volume, AREA_RAM)->root;
}

/* Opens the file with the contents. Returns a descriptor or a negative errno; -ENOENT: there is
 * none, and `flags` does not ask for one. */
static int open_anon(const struct inode *inode, int flags)
{
    COPY_ATTRIBUTES(&inode->volume->info.cred);
    struct anon_name name;
    int fd;

    do {
        fd = openat(ram_root(inode), anon_name_of(inode, &name),
                    flags | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
        fd = fd < 0 ? -errno : fd;
    } while (descriptors_make_room(inode->volume, &fd));
    return fd;
}

static bool take_memory_for(const struct inode *inode, size_t bytes)
{
    return memory_guard_take(inode->volume->memory, bytes);
}

static ssize_t read_anon(struct inode *inode, int fd, void *data, size_t size, off_t offset)
{
    CLEANUP_FD int anon = open_anon(inode, O_RDONLY);
    ssize_t length;

    (void)fd;
    if (anon < 0)
        return anon == -ENOENT ? 0 : anon;
    do
        length = pread(anon, data, size, offset);
    while (length < 0 && errno == EINTR);
    return length < 0 ? -errno : length;
}

static ssize_t write_anon(struct inode *inode, int fd, const void *data, size_t size, off_t offset)
{
    CLEANUP_FD int anon = open_anon(inode, O_RDWR | O_CREAT);
    int error;

    (void)fd;
    if (anon < 0)
        return anon;
    if (!take_memory_for(inode, size) && lseek(anon, offset, SEEK_HOLE) < offset + (off_t)size)
        return -ENOSPC;
    error = move_write(anon, data, size, offset);
    return error ? error : (ssize_t)size;
}

static int truncate_anon(struct inode *inode, int fd, off_t size)
{
    CLEANUP_FD int anon = open_anon(inode, O_RDWR | O_CREAT);

    (void)fd;
    if (anon < 0)
        return anon;
    return ftruncate(anon, size) == 0 ? 0 : -errno;
}

static int allocate_anon(struct inode *inode, int fd, int mode, off_t offset, off_t length)
{
    CLEANUP_FD int anon = open_anon(inode, O_RDWR | O_CREAT);
    int keep_size = mode & FALLOC_FL_KEEP_SIZE;

    (void)fd;
    if (anon < 0)
        return anon;
    if (!(mode & FALLOC_FL_PUNCH_HOLE) && !take_memory_for(inode, (size_t)length))
        return -ENOSPC;
    // tmpfs does not know it.
    if ((mode & ~keep_size) == FALLOC_FL_ZERO_RANGE)
        return object_zero_range(anon, keep_size, offset, length);
    return fallocate(anon, mode, offset, length) == 0 ? 0 : -errno;
}

static off_t seek_anon(struct inode *inode, int fd, off_t offset, int whence)
{
    CLEANUP_FD int anon = open_anon(inode, O_RDONLY);
    off_t found;

    (void)fd;
    if (anon < 0)
        return anon == -ENOENT ? -ENXIO : anon;
    found = lseek(anon, offset, whence);
    return found < 0 ? -errno : found;
}

/* Nothing of it is ever on a disk. */
static int sync_anon(struct inode *inode, int fd)
{
    (void)inode;
    (void)fd;
    return 0;
}

static bool is_later(const struct statx_timestamp *a, const struct statx_timestamp *b)
{
    return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

static void overlay_anon(const struct inode *inode, struct statx *stx)
{
    struct anon_name name;
    struct statx anon;

    if (statx(ram_root(inode), anon_name_of(inode, &name), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS,
              &anon) != 0) {
        stx->stx_size = 0;
        stx->stx_blocks = 0;
        return;
    }
    stx->stx_size = anon.stx_size;
    stx->stx_blocks = anon.stx_blocks;
    stx->stx_mtime = anon.stx_mtime;
    if (is_later(&anon.stx_ctime, &stx->stx_ctime))
        stx->stx_ctime = anon.stx_ctime;
}

/* The modification time is that of the contents. */
static void touch_anon(struct inode *inode, bool mtime)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
    CLEANUP_FD int anon = -1;
    struct statx stx;

    if (!mtime || inode_need_fd(inode) != 0 || object_stat(inode->fd, &stx) != 0)
        return;
    anon = open_anon(inode, O_RDWR | O_CREAT);
    times[1].tv_sec = stx.stx_mtime.tv_sec;
    times[1].tv_nsec = stx.stx_mtime.tv_nsec;
    if (anon >= 0)
        futimens(anon, times);
}

/* Also where the file has no name and the kernel forgets it. */
static void drop_anon(struct inode *inode)
{
    COPY_ATTRIBUTES(&inode->volume->info.cred);
    struct anon_name name;

    unlinkat(ram_root(inode), anon_name_of(inode, &name), 0);
}

static int take_anon(struct inode *inode, int fd, const struct move *move)
{
    CLEANUP_FD int anon = -1;

    drop_anon(inode);
    anon = open_anon(inode, O_RDWR | O_CREAT);
    return anon < 0 ? anon : move_contents(fd, anon, move);
}

/* The store's file keeps nothing but the name. */
static int took_anon(struct inode *inode, int fd)
{
    (void)inode;
    return ftruncate(fd, 0) == 0 ? 0 : -errno;
}

static int give_anon(struct inode *inode, int fd, const struct move *move)
{
    CLEANUP_FD int anon = open_anon(inode, O_RDONLY);

    if (anon == -ENOENT)
        return ftruncate(fd, 0) == 0 ? 0 : -errno;
    return anon < 0 ? anon : move_contents(anon, fd, move);
}

const struct contents ANON_CONTENTS = {
    .read = read_anon,
    .write = write_anon,
    .truncate = truncate_anon,
    .allocate = allocate_anon,
    .seek = seek_anon,
    .sync = sync_anon,
    .overlay = overlay_anon,
    .touch = touch_anon,
    .gone = drop_anon,
    .take = take_anon,
    .took = took_anon,
    .give = give_anon,
    .gave = drop_anon,
};
