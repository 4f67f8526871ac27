// SPDX-License-Identifier: BSD-2-Clause
#include "file.h"

#include <errno.h>
#include <fcntl.h>

#include "attr.h"
#include "backing.h"
#include "cleanup.h"
#include "object.h"
#include "space.h"

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
 * fsync and the like of writers. */
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
    fd = fd < 0 ? open_for_io(inode, writer, &can) : inode_not_last(inode->mount, fd);
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
    int error;

    pthread_mutex_lock(stripe);
    node_refresh(&mount->nodes, &inode->ref);
    error = provide_io(inode, writer, io_fd);
    if (!error && file_is_passthrough(inode))
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

int file_open(struct inode *inode, struct fuse_file_info *fi, int io_fd)
{
    struct mount *mount = inode->mount;
    bool passthrough = file_is_passthrough(inode);
    bool writer = is_writer(fi);
    uint16_t before = node_open(&mount->nodes, mount_ledger(mount), &inode->ref, writer,
                                writer && passthrough ? NODE_MAYBE_MAPPED : 0,
                                writer ? NODE_ATTR_CACHED : 0, readers_need_io(inode));
    int error = provide(inode, writer, io_fd);

    fi->fh = make_fh(writer, node_io_errors(&mount->nodes, &inode->ref, false));
    if (!error && (fi->flags & O_TRUNC))
        error = truncate_once(inode, !fi->kill_suidgid);
    // Also when it fails: the mark that there is something to forget is gone.
    if (passthrough && writer && (before & NODE_ATTR_CACHED))
        attr_invalidate(inode);
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
    struct node_resources leftover;

    node_close(&inode->mount->nodes, mount_ledger(inode->mount), &inode->ref, fh_is_writer(fi->fh),
               readers_need_io(inode), &leftover);
    inode_dispose(inode->mount, &leftover);
}

int file_io_begin(struct inode *inode, bool writable, struct file_io *io)
{
    pthread_mutex_t *stripe = mount_stripe(inode->mount, &inode->ref);
    uint16_t can;

    *io = FILE_IO_NONE;
    io->fd = node_io_begin(&inode->mount->nodes, &inode->ref, writable);
    if (io->fd >= 0) {
        io->inode = inode;
        return 0;
    }
    io->fd = inode_need_fd(inode);
    if (io->fd < 0)
        return io->fd;
    pthread_mutex_lock(stripe);
    io->fd = open_for_io(inode, writable, &can);
    pthread_mutex_unlock(stripe);
    return io->fd < 0 ? io->fd : 0;
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
    const struct cred *cred = &inode->mount->facts.cred;
    FILE_IO struct file_io io = FILE_IO_NONE;
    int error = inode_is_regular(inode) ? file_io_begin(inode, true, &io) : -EINVAL;

    if (error)
        return error;
    if (keep_setid)
        cred_keep_setid(cred, true);
    error = ftruncate(io.fd, size) == 0 ? 0 : -errno;
    if (keep_setid)
        cred_keep_setid(cred, false);
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
    if ((data_only ? fdatasync(io.fd) : fsync(io.fd)) != 0)
        error = -errno;
    if (is_writeback_error(error))
        node_io_errors(nodes, &inode->ref, true);
    else if (!error && node_io_errors(nodes, &inode->ref, false) != fh_errors(fi->fh))
        error = -EIO;
    return error;
}
