// SPDX-License-Identifier: BSD-2-Clause
#include "fs/vfs/file.h"

#include <errno.h>
#include <fcntl.h>

#include "fs/vfs/attr.h"
#include "fs/inode/backing.h"
#include "fs/inode/impersonate.h"
#include "lib/sys/cleanup.h"
#include "fs/vfs/size_notify.h"
#include "lib/object/object.h"
#include "fs/vfs/reclaim.h"
#include "fs/vfs/pending_invalidation.h"

static bool is_writer(const struct fuse_file_info *fi)
{
    return (fi->flags & O_ACCMODE) != O_RDONLY;
}

static uint64_t make_fh(bool writer, uint16_t errors)
{
    return (uint64_t)errors << 1 | writer;
}

static bool fh_is_writer(uint64_t fh)
{
    return fh & 1;
}

static uint16_t fh_errors(uint64_t fh)
{
    return (uint16_t)(fh >> 1);
}

/* FUSE's page cache reads through the I/O descriptor for every open; passthrough needs one for
 * fsync and the like of writers, when they come to that. */
static bool readers_need_io(const struct inode *inode)
{
    return !file_is_passthrough(inode);
}

/* Without waiting for a lease that somebody holds on the area's own file: a thread that waits
 * serves nobody. The stripe is held, so it is not our own lease. */
static int reopen_for_io(const struct inode *inode, int access)
{
    int fd;

    do
        fd = inode_not_last(inode->mount, object_reopen(inode->fd, access | O_NONBLOCK));
    while (inode_make_room(inode->mount, &fd));
    return fd;
}

/* The same for a node that has no I/O descriptor; `can` receives the flags for it. */
static int open_for_io(const struct inode *inode, bool writer, uint16_t *can)
{
    int fd = reopen_for_io(inode, writer ? O_RDWR : O_RDONLY);

    *can = writer ? NODE_IO_READABLE | NODE_IO_WRITABLE : NODE_IO_READABLE;
    // A file that its owner may only write to, where the daemon is no more than the owner.
    if (fd == -EACCES && writer) {
        *can = NODE_IO_WRITABLE;
        fd = reopen_for_io(inode, O_WRONLY);
    }
    return fd;
}

/* Replaces an I/O descriptor that cannot do all that is wanted by one that can. Requests may be
 * using it, so it keeps its number. */
static int improve_io(struct inode *inode, int better)
{
    CLEANUP_FD int fd = better >= 0 ? better : reopen_for_io(inode, O_RDWR);

    if (fd < 0)
        return fd;
    if (dup3(fd, inode->ref.held.io_fd, O_CLOEXEC) < 0)
        return -errno;
    node_flags(&inode->mount->nodes, &inode->ref, NODE_IO_READABLE | NODE_IO_WRITABLE, 0);
    return 0;
}

/* A descriptor that the caller has, as one that may be kept. It is consumed. */
static int keep_for_io(const struct inode *inode, int fd)
{
    CLEANUP_FD int given = fd;
    int kept;

    if (!inode_is_last(inode->mount, given))
        return steal_fd(&given);
    // One with a lower number, when there is room.
    do {
        kept = fcntl(given, F_DUPFD_CLOEXEC, 0);
        kept = kept < 0 ? -errno : inode_not_last(inode->mount, kept);
    } while (inode_make_room(inode->mount, &kept));
    return kept;
}

/* Sees to it that an open node has an I/O descriptor that its opens can use. `io_fd` is one for
 * reading and writing, or -1. The stripe is held. */
static int provide_io(struct inode *inode, bool writer, int io_fd)
{
    uint16_t needed = writer ? NODE_IO_WRITABLE : NODE_IO_READABLE;
    uint16_t can = NODE_IO_READABLE | NODE_IO_WRITABLE;
    CLEANUP_FD int fd = io_fd;

    if ((!writer && !readers_need_io(inode)) || (inode->ref.flags & needed))
        return 0;
    if (inode->ref.held.io_fd >= 0)
        return improve_io(inode, steal_fd(&fd));
    fd = fd < 0 ? open_for_io(inode, writer, &can) : keep_for_io(inode, steal_fd(&fd));
    if (fd == -EMFILE)
        fd = -ENFILE;
    // Passthrough does without when descriptors are short, or somebody has a lease on the file.
    if ((fd == -ENFILE || fd == -EAGAIN) && !readers_need_io(inode))
        return 0;
    if (fd < 0)
        return fd;
    node_set_io(&inode->mount->nodes, &inode->ref, steal_fd(&fd), can);
    return 0;
}

/* Sees to it that an open node has a backing id. The stripe is held. */
static int provide_backing(struct inode *inode)
{
    int id;

    if (inode->ref.held.backing_id > 0)
        return 0;
    // What is written will be written in this thread's name.
    if (inode->ref.area == AREA_STORE)
        caller_rest(inode->mount);
    pthread_mutex_lock(&inode->mount->backings);
    id = backing_open(inode->mount, inode->fd);
    if (id > 0)
        node_set_backing(&inode->mount->nodes, &inode->ref, id);
    pthread_mutex_unlock(&inode->mount->backings);
    if (id < 0)
        return id;
    inode->ref.held.backing_id = id;
    return 0;
}

static int provide(struct inode *inode, bool writer, int io_fd)
{
    struct mount *mount = inode->mount;
    pthread_mutex_t *stripe = mount_stripe(mount, &inode->ref);
    bool passthrough = file_is_passthrough(inode);
    int error = 0;

    pthread_mutex_lock(stripe);
    node_refresh(&mount->nodes, &inode->ref);
    if (!passthrough || io_fd >= 0)
        error = provide_io(inode, writer, io_fd);
    if (!error && passthrough)
        error = provide_backing(inode);
    pthread_mutex_unlock(stripe);
    return error;
}

static int truncate_once(struct inode *inode, bool keep_setid)
{
    struct request *request = mount_request(inode->mount);
    int64_t result;

    if (!request_was_executed(request, &result)) {
        result = file_truncate(inode, 0, keep_setid);
        request_executed(request, result);
    }
    return (int)result;
}

/* What the kernel does not know to forbid when it opens the backing file itself, or maps it: a file
 * that may only grow must not be open for reading too, or a mapping could store anywhere. `stx` receives
 * its attributes. */
static int check_attributes(const struct inode *inode, int flags, struct statx *stx)
{
    int error = object_stat(inode->fd, stx);

    if (error)
        return error;
    if (stx->stx_attributes & STATX_ATTR_IMMUTABLE)
        return -EPERM;
    if ((stx->stx_attributes & STATX_ATTR_APPEND) &&
        (flags & (O_ACCMODE | O_APPEND | O_TRUNC)) != (O_WRONLY | O_APPEND))
        return -EPERM;
    return 0;
}

int file_open(struct inode *inode, struct fuse_file_info *fi, int io_fd)
{
    struct mount *mount = inode->mount;
    bool passthrough = file_is_passthrough(inode);
    bool writer = is_writer(fi);
    struct statx stx;
    // Without passthrough, too, another opener's descriptor may be there already.
    int error = writer && io_fd < 0 ? check_attributes(inode, fi->flags, &stx) : 0;
    uint16_t before;

    if (error)
        return error;
    before = node_open(&mount->nodes, mount_ledger(mount), &inode->ref, writer,
                       writer && passthrough ? NODE_MAYBE_MAPPED : 0, 0, readers_need_io(inode));
    error = provide(inode, writer, io_fd);
    fi->fh = make_fh(writer, node_io_errors(&mount->nodes, &inode->ref, false));
    if (!error && (fi->flags & O_TRUNC))
        error = truncate_once(inode, !fi->kill_suidgid);
    // Of a file that was just made the kernel has none yet.
    if (passthrough && writer && io_fd < 0 && (before & NODE_ATTR_CACHED))
        stale_add(inode, &stx);
    if (error) {
        file_close(inode, fi);
        return error;
    }
    if (passthrough && writer)
        space_settle(mount, &mount->facts.areas[inode->ref.area]);
    fi->backing_id = passthrough ? inode->ref.held.backing_id : 0;
    fi->keep_cache = !passthrough;
    fi->noflush = true;
    return 0;
}

void file_close(struct inode *inode, const struct fuse_file_info *fi)
{
    bool writer = fh_is_writer(fi->fh);
    struct node_resources leftover;

    node_close(&inode->mount->nodes, mount_ledger(inode->mount), &inode->ref, writer,
               readers_need_io(inode), &leftover);
    inode_dispose(inode->mount, &leftover);
    if (writer)
        stale_writer_left(inode);
}

static bool borrow_io(struct inode *inode, bool writable, struct file_io *io)
{
    io->fd = node_io_begin(&inode->mount->nodes, &inode->ref, writable);
    if (io->fd < 0)
        return false;
    io->inode = inode;
    return true;
}

int file_io_begin(struct inode *inode, bool writable, struct file_io *io)
{
    pthread_mutex_t *stripe = mount_stripe(inode->mount, &inode->ref);
    uint16_t can;
    int error;

    *io = FILE_IO_NONE;
    if (borrow_io(inode, writable, io))
        return 0;
    error = inode_need_fd(inode);
    if (error)
        return error;
    pthread_mutex_lock(stripe);
    node_refresh(&inode->mount->nodes, &inode->ref);
    // A writer's next call is likely to want it again. Reading and fsync do with less, where the file
    // has become one that cannot be written to.
    if (inode->ref.writers > 0)
        error = provide_io(inode, true, -1);
    if (!writable)
        error = 0;
    if (!error && !borrow_io(inode, writable, io))
        io->fd = error = open_for_io(inode, writable, &can);
    pthread_mutex_unlock(stripe);
    return error < 0 ? error : 0;
}

void file_io_end(struct file_io *io)
{
    struct node_resources leftover;

    if (io->inode) {
        node_io_end(&io->inode->mount->nodes, &io->inode->ref, readers_need_io(io->inode),
                    &leftover);
        inode_dispose(io->inode->mount, &leftover);
    } else if (io->fd >= 0) {
        close(io->fd);
    }
}

int file_truncate(struct inode *inode, off_t size, bool keep_setid)
{
    KEEP_SETID(&inode->mount->facts.cred, keep_setid);
    FILE_IO struct file_io io = FILE_IO_NONE;
    int error = inode_is_regular(inode) ? file_io_begin(inode, true, &io) : -EINVAL;

    if (error)
        return error;
    struct growth growth = growth_begin(inode, io.fd, size);
    error = ftruncate(io.fd, size) == 0 ? 0 : -errno;
    growth_end(&growth, size, error == 0);
    return error;
}

int file_allocate(const struct inode *inode, int fd, int mode, off_t offset, off_t length)
{
    off_t size = mode & FALLOC_FL_KEEP_SIZE ? 0 : offset + length;
    struct growth growth = growth_begin(inode, fd, size);
    int error = fallocate(fd, mode, offset, length) == 0 ? 0 : -errno;

    growth_end(&growth, size, error == 0);
    return error;
}

/* Errors that say that data did not get to the disk, rather than that the call was wrong. */
static bool is_writeback_error(int error)
{
    return error == -EIO || error == -ENOSPC || error == -EDQUOT;
}

int file_sync(struct inode *inode, const struct fuse_file_info *fi, bool data_only)
{
    struct node_table *nodes = &inode->mount->nodes;
    FILE_IO struct file_io io = FILE_IO_NONE;
    int error = file_io_begin(inode, false, &io);

    // A file that its owner may only write to; either kind of descriptor will do.
    if (error == -EACCES)
        error = file_io_begin(inode, true, &io);
    if (error)
        return error;
    if (inode->ref.area == AREA_STORE)
        mount_will_wait(inode->mount);
    if ((data_only ? fdatasync(io.fd) : fsync(io.fd)) != 0)
        error = -errno;
    if (is_writeback_error(error))
        node_io_errors(nodes, &inode->ref, true);
    else if (!error && node_io_errors(nodes, &inode->ref, false) != fh_errors(fi->fh))
        error = -EIO;
    return error;
}
