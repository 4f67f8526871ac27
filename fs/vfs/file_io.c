// SPDX-License-Identifier: BSD-2-Clause
#include "fs/vfs/file_io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/inode/deferred_close.h"
#include "fs/inode/descriptors.h"
#include "fs/util/log.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

bool file_io_for_readers(const struct inode *inode)
{
    return !inode_is_passthrough(inode);
}

/* Opens a file for I/O, without waiting for a lease that a process holds on the area's own file: a
 * thread that waits serves nobody. The stripe is held, so the lease is not ours. A descriptor that
 * is not `kept` may be one of the last. */
static int reopen_for_io(const struct inode *inode, int access, bool kept)
{
    int fd;

    do {
        fd = object_reopen(inode->fd, access | O_NONBLOCK);
        if (kept)
            fd = descriptors_not_last(inode->volume, fd);
    } while (descriptors_make_room(inode->volume, &fd));
    return fd;
}

/* Opens a node that has no I/O descriptor for I/O; `can` receives the flags for the descriptor. */
static int open_for_io(const struct inode *inode, bool writer, bool kept, uint16_t *can)
{
    int fd = reopen_for_io(inode, writer ? O_RDWR : O_RDONLY, kept);

    *can = writer ? NODE_IO_READABLE | NODE_IO_WRITABLE : NODE_IO_READABLE;
    // The file's owner may only write to it, and the daemon is no more than the owner.
    if (fd == -EACCES && writer) {
        *can = NODE_IO_WRITABLE;
        fd = reopen_for_io(inode, O_WRONLY, kept);
    }
    return fd;
}

static bool borrow_io(struct inode *inode, bool writable, struct file_io *io)
{
    io->fd = node_io_begin(&inode->volume->nodes, &inode->ref, writable);
    if (io->fd < 0)
        return false;
    io->inode = inode;
    return true;
}

/* Replaces an I/O descriptor that cannot do all that is wanted by one that can. Requests may be
 * using the old one, so it keeps its number. */
static int improve_io(struct inode *inode, int better)
{
    CLEANUP_FD int fd = better >= 0 ? better : reopen_for_io(inode, O_RDWR, true);
    FILE_IO struct file_io old = FILE_IO_NONE;

    if (fd < 0)
        return fd;
    // A number that is borrowed is not closed and given to another file meanwhile.
    if (!borrow_io(inode, false, &old) && !borrow_io(inode, true, &old))
        return 0;
    if (dup3(fd, old.fd, O_CLOEXEC) < 0)
        return -errno;
    node_flags(&inode->volume->nodes, &inode->ref, NODE_IO_READABLE | NODE_IO_WRITABLE, 0);
    return 0;
}

/* Turns a descriptor that the caller has into one that may be kept. The first one is consumed. */
static int keep_for_io(const struct inode *inode, int fd)
{
    CLEANUP_FD int given = fd;
    int kept;

    if (!descriptors_is_last(inode->volume, given))
        return steal_fd(&given);
    // Takes one with a lower number, when there is room.
    do {
        kept = fcntl(given, F_DUPFD_CLOEXEC, 0);
        kept = kept < 0 ? -errno : descriptors_not_last(inode->volume, kept);
    } while (descriptors_make_room(inode->volume, &kept));
    return kept;
}

int file_io_provide(struct inode *inode, bool writer, int io_fd)
{
    uint16_t needed = writer ? NODE_IO_WRITABLE : NODE_IO_READABLE;
    uint16_t can = NODE_IO_READABLE | NODE_IO_WRITABLE;
    CLEANUP_FD int fd = io_fd;

    if ((!writer && !file_io_for_readers(inode)) || (inode->ref.flags & needed))
        return 0;
    if (inode->ref.held.io_fd >= 0)
        return improve_io(inode, steal_fd(&fd));
    fd = fd < 0 ? open_for_io(inode, writer, true, &can) : keep_for_io(inode, steal_fd(&fd));
    if (fd == -EMFILE)
        fd = -ENFILE;
    // Passthrough does without a descriptor when they are short, or when a process has a lease on
    // the file.
    if ((fd == -ENFILE || fd == -EAGAIN) && !file_io_for_readers(inode))
        return 0;
    if (fd < 0)
        return fd;
    node_set_io(&inode->volume->nodes, &inode->ref, steal_fd(&fd), can);
    return 0;
}

/* Returns whether opens that a mode allows need a descriptor that it does not let be had: for the
 * one, and for the other because of earlier opens. */
static bool mode_parts_opens(const struct inode *inode, mode_t mode)
{
    bool reads = inode->ref.flags & NODE_IO_READABLE, writes = inode->ref.flags & NODE_IO_WRITABLE;

    return inode->ref.held.io_fd >= 0 && (mode & S_IRUSR ? !reads : reads) &&
           (mode & S_IWUSR ? !writes : writes);
}

void file_io_expect_mode(struct inode *inode, mode_t mode)
{
    struct volume *volume = inode->volume;
    struct lock *stripe = volume_stripe(volume, &inode->ref);

    if (volume->info.cred.privileged || !inode_is_regular(inode))
        return;
    lock_take(stripe);
    node_refresh(&volume->nodes, &inode->ref);
    // If this fails, so do those opens. A worker that follows sets the second mode, too.
    if (mode_parts_opens(inode, mode) &&
        object_set_mode(inode->fd, (mode & 0777) | S_IRUSR | S_IWUSR) == 0)
        improve_io(inode, -1);
    lock_release(stripe);
}

int file_io_begin(struct inode *inode, bool writable, struct file_io *io)
{
    struct lock *stripe = volume_stripe(inode->volume, &inode->ref);
    uint16_t can;
    int error;

    *io = FILE_IO_NONE;
    if (borrow_io(inode, writable, io))
        return 0;
    error = inode_need_fd(inode);
    if (error)
        return error;
    lock_take(stripe);
    node_refresh(&inode->volume->nodes, &inode->ref);
    // A writer's next call is likely to want the descriptor again. Reading and fsync need less than
    // a writable one, where the file can no longer be written to.
    if (inode->ref.writers > 0)
        error = file_io_provide(inode, true, -1);
    if (!writable)
        error = 0;
    if (!error && !borrow_io(inode, writable, io))
        io->fd = error = open_for_io(inode, writable, false, &can);
    lock_release(stripe);
    return error < 0 ? error : 0;
}

int file_io_begin_unseen(struct inode *inode, struct file_io *io)
{
    int fd = inode_need_fd(inode);

    *io = FILE_IO_NONE;
    if (fd == 0) {
        do
            fd = object_reopen(inode->fd, O_RDONLY | O_NOATIME | O_NONBLOCK);
        while (descriptors_make_room(inode->volume, &fd));
    }
    // Without a descriptor to spare, the contents matter more than the time.
    if (fd < 0)
        return file_io_begin(inode, false, io);
    io->fd = fd;
    return 0;
}

void file_io_end(struct file_io *io)
{
    struct node_resources leftover;

    if (io->inode) {
        node_io_end(&io->inode->volume->nodes, &io->inode->ref, file_io_for_readers(io->inode),
                    &leftover);
        resources_close(io->inode->volume, &leftover);
    } else if (io->fd >= 0) {
        close(io->fd);
    }
}

/* Logs the name that a file has in its area, where it still has one. */
static void log_loss(const struct inode *inode, int error)
{
    char name[PATH_MAX];

    log_event(LOG_ERR, "%s lost data that was in the page cache: %s",
              object_shown_path(inode->fd, name), strerror(-error));
}

void file_io_note_loss(struct inode *inode, int error)
{
    struct node_table *nodes = &inode->volume->nodes;
    uint16_t before = node_flags(nodes, &inode->ref, NODE_DATA_LOST, 0);

    node_io_errors(nodes, &inode->ref, true);
    if (!(before & NODE_DATA_LOST) && inode_need_fd(inode) == 0)
        log_loss(inode, error);
}

bool file_io_is_lost(const struct inode *inode, int fd, off_t offset, size_t size)
{
    struct stat st;
    off_t end = offset + (off_t)size;

    if (!(inode->ref.flags & NODE_DATA_LOST) || fstat(fd, &st) != 0)
        return false;
    if (end > st.st_size)
        end = st.st_size;
    return offset < end && lseek(fd, offset, SEEK_HOLE) < end;
}

void file_io_forget_loss(struct inode *inode)
{
    if (inode->ref.flags & NODE_DATA_LOST)
        node_flags(&inode->volume->nodes, &inode->ref, 0, NODE_DATA_LOST);
}

int file_io_provide_flush(struct inode *inode)
{
    struct volume *volume = inode->volume;
    uint16_t can;
    int fd;

    // Another opener has asked just now.
    if (inode->ref.held.io_fd >= 0)
        return 0;
    fd = open_for_io(inode, true, false, &can);
    if (fd >= 0 && fd < descriptors_for_clients(volume) / 2) {
        node_set_io(&volume->nodes, &inode->ref, fd, can);
        return 0;
    }
    if (fd >= 0)
        close(fd);
    if (fd == -ENOENT || fd == -ESTALE || (fd == -ENFILE && inode_is_gone_file(inode)))
        return -ESTALE;
    // Any other fault is found by whoever needs the file.
    return fd == -EROFS ? fd : 0;
}

void file_io_expect_removal(struct inode *inode, struct file_io *io)
{
    *io = FILE_IO_NONE;
    if (!inode_area(inode)->has_servers || !inode_is_regular(inode) || inode->ref.writers == 0)
        return;
    // FLUSH may take the first one before it is borrowed, and not the next.
    for (int tries = 0; tries < 2 && !io->inode; tries++) {
        file_io_end(io);
        if (file_io_begin(inode, true, io) != 0)
            break;
    }
}

/* Returns a descriptor that is to be closed, so that the client hears of it: the kernel closes none
 * of its own. The node's own is taken where nobody else has the file open, because it would be
 * closed a second time; a daemon that is no more than a user may not get it again. */
static int take_for_flush(struct inode *inode)
{
    struct volume *volume = inode->volume;
    FILE_IO struct file_io io = FILE_IO_NONE;
    struct node_resources taken;
    int error, fd;

    if (volume->info.cred.privileged) {
        node_io_take(&volume->nodes, &inode->ref, &taken);
        if (taken.io_fd >= 0)
            return taken.io_fd;
    }
    error = file_io_begin(inode, true, &io);
    if (error)
        return error;
    if (io.inode) {
        fd = fcntl(io.fd, F_DUPFD_CLOEXEC, 0);
        return fd < 0 ? -errno : fd;
    }
    fd = io.fd;
    io = FILE_IO_NONE;
    return fd;
}

int file_io_flush(struct inode *inode)
{
    int fd = take_for_flush(inode);

    // Another host has removed the file, so that nobody can miss its contents.
    if (fd < 0)
        return fd == -ESTALE || fd == -ENOENT ? 0 : fd;
    return close(fd) == 0 ? 0 : -errno;
}

int file_io_sync(struct inode *inode, bool data_only)
{
    FILE_IO struct file_io io = FILE_IO_NONE;
    int error = file_io_begin(inode, false, &io);

    // The file's owner may only write to it; either kind of descriptor will do.
    if (error == -EACCES)
        error = file_io_begin(inode, true, &io);
    if (error)
        return error;
    volume_will_sync(inode->volume);
    if (inode_contents(inode))
        return inode_contents(inode)->sync(inode, io.fd);
    return (data_only ? fdatasync(io.fd) : fsync(io.fd)) == 0 ? 0 : -errno;
}
