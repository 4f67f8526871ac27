// SPDX-License-Identifier: BSD-2-Clause
/* Operations on the contents of regular files, as far as they do not stay in the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/inode/impersonate.h"
#include "fs/ops/ops.h"
#include "fs/util/clock.h"
#include "fs/vfs/file.h"
#include "fs/vfs/file_io.h"
#include "fs/vfs/file_size.h"
#include "fs/vfs/reclaim.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

/* A copy takes a thread, and the target's lock in the kernel, for so long and one piece; the client
 * asks for the rest. */
#define COPY_NANOSECONDS UINT64_C(10000000)
#define COPY_PIECE       ((size_t)2 << 20)
#define COPY_LEAST       4096U

/* For how long a search for holes waits for a RELEASE that a thread has, which is longer than a
 * thread waits for a processor that many others want, and how often it looks for that. */
#define RELEASE_NANOSECONDS UINT64_C(10000000000)
#define LOOK_NANOSECONDS    1000000L

void op_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    INODE struct inode inode = INODE_NONE;
    int error = inode_acquire(volume_of(req), id, &inode);

    if (!error)
        error = inode_is_regular(&inode) ? file_open(&inode, fi, req) : -EINVAL;
    if (error)
        reply_err(req, -error);
    else if (reply_open(req, fi) != 0)
        file_close(&inode, fi);
}

static void note_release(struct volume *volume)
{
    lock_take(&volume->releases.lock);
    volume->releases.served++;
    pthread_cond_broadcast(&volume->releases.one_served);
    lock_release(&volume->releases.lock);
}

void op_release(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct volume *volume = volume_of(req);
    INODE struct inode inode = INODE_NONE;

    if (inode_hold(volume, id, &inode) == 0)
        file_close(&inode, fi);
    note_release(volume);
    reply_err(req, 0);
}

/* Replies with contents that are not to be had from a descriptor alone. */
static void reply_contents(fuse_req_t req, struct inode *inode, int fd, size_t size, off_t offset)
{
    CLEANUP_FREE char *data = malloc(size);
    ssize_t length = data ? inode_contents(inode)->read(inode, fd, data, size, offset) : -ENOMEM;

    if (length < 0)
        reply_err(req, (int)-length);
    else
        reply_buf(req, data, (size_t)length);
}

void op_read(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi)
{
    INODE struct inode inode = INODE_NONE;
    FILE_IO struct file_io io = FILE_IO_NONE;
    struct fuse_bufvec data = FUSE_BUFVEC_INIT(size);
    int error = inode_hold(volume_of(req), id, &inode);

    if (!error)
        error = fi->flags & O_NOATIME ? file_io_begin_unseen(&inode, &io)
                                      : file_io_begin(&inode, false, &io);
    if (!error && file_io_is_lost(&inode, io.fd, offset, size))
        error = -EIO;
    if (error) {
        reply_err(req, -error);
        return;
    }
    if (inode_contents(&inode)) {
        reply_contents(req, &inode, io.fd, size, offset);
        return;
    }
    data.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
    data.buf[0].fd = io.fd;
    data.buf[0].pos = offset;
    reply_data(req, &data);
}

/* Returns how many bytes were written, or a negative errno; the errno, too, if some were written
 * where all are wanted. */
static ssize_t write_all(struct inode *inode, int fd, const char *data, size_t size, off_t offset,
                         bool all)
{
    size_t done = 0;

    if (inode_contents(inode))
        return inode_contents(inode)->write(inode, fd, data, size, offset);
    while (done < size) {
        ssize_t written = pwrite(fd, data + done, size - done, offset + (off_t)done);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return done > 0 && !all ? (ssize_t)done : written == 0 ? -EIO : -errno;
        done += (size_t)written;
    }
    return (ssize_t)done;
}

/* Returns whether there is memory for a change of a file's contents, which are pages of the
 * daemon's in a RAM area. */
static bool has_memory(const struct inode *inode, int fd, off_t offset, size_t size)
{
    if (file_take_memory(inode, size))
        return true;
    // Pages that are there already can still be written.
    return lseek(fd, offset, SEEK_HOLE) >= offset + (off_t)size;
}

/* Writes, and waits where files that are about to go will make room. The kernel takes all that it
 * writes back for written, however little was. */
static ssize_t write_with_room(struct inode *inode, int fd, const char *data, size_t size,
                               off_t offset, bool writeback)
{
    unsigned mark = reclaim_mark(inode->volume);
    ssize_t written;

    do
        written = has_memory(inode, fd, offset, size)
                      ? write_all(inode, fd, data, size, offset, true)
                      : -ENOSPC;
    while (written == -ENOSPC && reclaim_wait(inode->volume, &mark));
    if (written < 0 && !writeback && has_memory(inode, fd, offset, size))
        written = write_all(inode, fd, data, size, offset, false);
    return written;
}

void op_write(fuse_req_t req, fuse_ino_t id, const char *data, size_t size, off_t offset,
              struct fuse_file_info *fi)
{
    struct volume *volume = volume_of(req);
    INODE struct inode inode = INODE_NONE;
    FILE_IO struct file_io io = FILE_IO_NONE;
    struct request *request = volume_request(volume);
    int64_t written = inode_hold(volume, id, &inode);

    atomic_fetch_add(&volume->state->life.writes_begun, 1);
    if (written == 0)
        written = file_io_begin(&inode, true, &io);
    if (written == 0 && !request_was_executed(request, &written)) {
        // Contents that are elsewhere are written without touching the area's file.
        bool in_area = inode_contents(&inode) == NULL;
        KEEP_SETID(&volume->info.cred, in_area && !fi->kill_suidgid);
        SETID_CHANGE setid = setid_change_begin(&inode, io.fd, fi->kill_suidgid ? req : NULL);

        written = in_area || !fi->kill_suidgid ? 0 : file_take_setid(&inode, io.fd);
        if (written == 0)
            written = write_with_room(&inode, io.fd, data, size, offset, fi->writepage);
        if (written < 0 && fi->writepage)
            file_io_note_loss(&inode, (int)written);
        request_executed(request, written);
    }
    atomic_fetch_add(&volume->state->life.writes_ended, 1);
    if (written < 0)
        reply_err(req, (int)-written);
    else
        reply_write(req, (size_t)written);
}

void op_fsync(fuse_req_t req, fuse_ino_t id, int datasync, struct fuse_file_info *fi)
{
    INODE struct inode inode = INODE_NONE;
    int error = inode_hold(volume_of(req), id, &inode);

    if (!error)
        error = file_sync(&inode, fi, datasync);
    reply_err(req, -error);
}

void op_fallocate(fuse_req_t req, fuse_ino_t id, int mode, off_t offset, off_t length,
                  struct fuse_file_info *fi)
{
    struct volume *volume = volume_of(req);
    bool root = fuse_req_ctx(req)->uid == 0;
    INODE struct inode inode = INODE_NONE;
    FILE_IO struct file_io io = FILE_IO_NONE;
    struct request *request = volume_request(volume);
    unsigned mark = reclaim_mark(volume);
    int64_t error = inode_hold(volume, id, &inode);

    (void)fi;
    if (!error)
        error = file_io_begin(&inode, true, &io);
    if (!error && !request_was_executed(request, &error)) {
        // The kernel does not say here whether the caller may keep setuid and setgid.
        KEEP_SETID(&volume->info.cred, root);
        SETID_CHANGE setid = setid_change_begin(&inode, io.fd, root ? NULL : req);
        do
            error = mode & FALLOC_FL_PUNCH_HOLE || has_memory(&inode, io.fd, offset, (size_t)length)
                        ? file_allocate(&inode, io.fd, mode, offset, length)
                        : -ENOSPC;
        while (error == -ENOSPC && reclaim_wait(volume, &mark));
        request_executed(request, error);
    }
    reply_err(req, (int)-error);
}

/* Returns whether a thread has a RELEASE of the file. close(2) queues it, and returns before it is
 * served; a later request is taken from the queue after it, but maybe by a faster thread. */
static bool is_release_on_its_way(const struct inode *inode)
{
    const struct volume *volume = inode->volume;

    if (volume->reading > 0)
        return true;
    for (unsigned i = 0; i < REQUESTS; i++) {
        const struct fuse_in_header *header = state_received(volume->state, i);

        if (__atomic_load_n(&header->len, __ATOMIC_ACQUIRE) != 0 &&
            __atomic_load_n(&header->opcode, __ATOMIC_RELAXED) == FUSE_RELEASE &&
            __atomic_load_n(&header->nodeid, __ATOMIC_RELAXED) == inode->ref.id)
            return true;
    }
    return false;
}

/* Waits, while a RELEASE of the file may be on its way, until one was served since the mark, and
 * moves the mark on. Returns whether one was. At most `waiters_max` threads wait: a RELEASE that
 * was deferred needs another thread. */
bool wait_for_release(const struct inode *inode, unsigned *mark, uint64_t end)
{
    struct volume *volume = inode->volume;
    bool came;

    lock_take(&volume->releases.lock);
    volume->releases.waiters++;
    while (volume->releases.served == *mark && volume->releases.waiters <= volume->waiters_max &&
           clock_now() < end && is_release_on_its_way(inode)) {
        struct timespec look = clock_deadline(LOOK_NANOSECONDS);

        lock_wait_until(&volume->releases.lock, &volume->releases.one_served, &look);
    }
    volume->releases.waiters--;
    came = volume->releases.served != *mark;
    *mark = volume->releases.served;
    lock_release(&volume->releases.lock);
    return came;
}

/* Returns whether the file is open for writing. */
static bool has_writers(struct inode *inode)
{
    struct volume *volume = inode->volume;
    uint64_t end = clock_now() + RELEASE_NANOSECONDS;
    unsigned mark;

    if (inode->ref.writers == 0)
        return false;
    volume_will_wait(volume);
    lock_take(&volume->releases.lock);
    mark = volume->releases.served;
    lock_release(&volume->releases.lock);
    do
        node_refresh(&volume->nodes, &inode->ref);
    while (inode->ref.writers > 0 && wait_for_release(inode, &mark, end));
    return inode->ref.writers > 0;
}

/* Finds data or a hole in a file that counts as having no holes. */
static off_t seek_without_holes(struct inode *inode, int fd, off_t offset, int whence)
{
    struct statx stx;
    int error = inode_stat(inode, fd, &stx);

    if (error)
        return error;
    if (offset < 0 || offset >= (off_t)stx.stx_size)
        return -ENXIO;
    return whence == SEEK_DATA ? offset : (off_t)stx.stx_size;
}

/* Finds data or a hole. The area knows them, but where FUSE's page cache may have data that is not
 * in the area yet, that data would pass for a hole, and a program that copies files would leave it
 * out. Without `writeback` only stores through a mapping wait in the page cache, and a mapping that
 * can be stored through keeps a file open for writing: such a file counts as having no holes. The
 * kernel sends RELEASE of an open file after the last write of its pages was answered.
 *
 * To have the pages written first is not possible: the client holds the file's lock in the kernel
 * while it waits for the answer, and a thread that waits for pages could not be killed. */
static off_t seek(struct inode *inode, int fd, off_t offset, int whence)
{
    off_t found;

    // With `writeback` the kernel knows the size better, and does not ask again.
    if (inode->volume->info.writeback)
        return -ENOSYS;
    // Lost data is read, so that the reader hears of it.
    if (!inode_is_passthrough(inode) && ((inode->ref.flags & NODE_DATA_LOST) || has_writers(inode)))
        return seek_without_holes(inode, fd, offset, whence);
    if (inode_contents(inode))
        return inode_contents(inode)->seek(inode, fd, offset, whence);
    found = lseek(fd, offset, whence);
    return found < 0 ? -errno : found;
}

void op_lseek(fuse_req_t req, fuse_ino_t id, off_t offset, int whence, struct fuse_file_info *fi)
{
    INODE struct inode inode = INODE_NONE;
    FILE_IO struct file_io io = FILE_IO_NONE;
    off_t found = inode_hold(volume_of(req), id, &inode);

    (void)fi;
    if (found == 0)
        found = file_io_begin(&inode, false, &io);
    if (found == 0)
        found = seek(&inode, io.fd, offset, whence);
    if (found == -ENOSYS)
        reply_never_again(req);
    else if (found < 0)
        reply_err(req, (int)-found);
    else
        reply_lseek(req, found);
}

/* Copies a part, if all takes long. Returns how many bytes, or a negative errno. */
static int64_t copy_some(int from, off_t from_offset, const struct inode *target, int to,
                         off_t to_offset, size_t length)
{
    uint64_t end = clock_now() + COPY_NANOSECONDS;
    int64_t total = 0;
    ssize_t copied;

    do {
        size_t piece = length - (size_t)total < COPY_PIECE ? length - (size_t)total : COPY_PIECE;

        while (piece > COPY_LEAST && !has_memory(target, to, to_offset, piece))
            piece /= 2;
        copied = copy_file_range(from, &from_offset, to, &to_offset, piece, 0);
        if (copied < 0 && total == 0)
            return -errno;
        total += copied > 0 ? copied : 0;
    } while (copied > 0 && (size_t)total < length && clock_now() < end);
    return total;
}

// NOLINTNEXTLINE(readability-function-size): libfuse has so many parameters.
void op_copy_file_range(fuse_req_t req, fuse_ino_t from, off_t from_offset,
                        struct fuse_file_info *from_fi, fuse_ino_t to, off_t to_offset,
                        struct fuse_file_info *to_fi, size_t length, int flags)
{
    struct volume *volume = volume_of(req);
    bool root = fuse_req_ctx(req)->uid == 0;
    INODE struct inode source = INODE_NONE;
    INODE struct inode target = INODE_NONE;
    FILE_IO struct file_io source_io = FILE_IO_NONE;
    FILE_IO struct file_io target_io = FILE_IO_NONE;
    struct request *request = volume_request(volume);
    unsigned mark = reclaim_mark(volume);
    int64_t copied = inode_hold(volume, from, &source);

    (void)from_fi;
    (void)to_fi;
    if (copied == 0)
        copied = inode_hold(volume, to, &target);
    if (copied == 0)
        copied = file_io_begin(&source, false, &source_io);
    if (copied == 0)
        copied = file_io_begin(&target, true, &target_io);
    // The kernel does it by reading and writing then.
    if (copied == 0 && (inode_contents(&source) || inode_contents(&target)))
        copied = -EOPNOTSUPP;
    if (copied == 0 && file_io_is_lost(&source, source_io.fd, from_offset, length))
        copied = -EIO;
    if (copied == 0 && !request_was_executed(request, &copied)) {
        KEEP_SETID(&volume->info.cred, root);
        SETID_CHANGE setid = setid_change_begin(&target, target_io.fd, root ? NULL : req);
        do
            copied = flags == 0 ? copy_some(source_io.fd, from_offset, &target, target_io.fd,
                                            to_offset, length)
                                : -EINVAL;
        while (copied == -ENOSPC && reclaim_wait(volume, &mark));
        request_executed(request, copied);
    }
    if (copied < 0)
        reply_err(req, (int)-copied);
    else
        reply_write(req, (size_t)copied);
}
