// SPDX-License-Identifier: BSD-2-Clause
#include "fs/vfs/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/inode/backing.h"
#include "fs/inode/deferred_close.h"
#include "fs/inode/descriptors.h"
#include "fs/inode/impersonate.h"
#include "fs/inode/orphans.h"
#include "fs/lifetime/last_close.h"
#include "fs/limit/share.h"
#include "fs/locks/file_locks.h"
#include "fs/switch/class_switch.h"
#include "fs/util/clock.h"
#include "fs/vfs/attr.h"
#include "fs/vfs/file_io.h"
#include "fs/vfs/file_size.h"
#include "fs/vfs/hold.h"
#include "fs/vfs/pending_invalidation.h"
#include "fs/vfs/reclaim.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

static bool is_writer(const struct fuse_file_info *fi)
{
    return (fi->flags & O_ACCMODE) != O_RDONLY;
}

static uint64_t make_fh(bool writer, uint16_t errors, uint64_t opening)
{
    return opening << FILE_OPENING_SHIFT | (uint64_t)errors << 1 | writer;
}

static uint16_t fh_errors(uint64_t fh)
{
    return (uint16_t)(fh >> 1);
}

/* Gives an open node a backing id if it has none. The stripe is held. */
static int provide_backing(struct inode *inode)
{
    bool missing = inode->ref.held.backing_id <= 0;
    // Passthrough will write in this thread's name, whoever the writer is. The kernel has setuid
    // and setgid cleared before each write of one who may not keep them (SETATTR of nothing).
    KEEP_SETID(&inode->volume->info.cred, missing);
    int error;

    if (!missing)
        return 0;
    if (area_kind(inode->ref.area)->reserves_blocks)
        impersonate_none(inode->volume);
    do
        error = backing_register(inode->volume, &inode->ref, inode->fd);
    while (descriptors_make_room(inode->volume, &error));
    return error;
}

/* Has a file that the broker does not register now go through FUSE's page cache until its last
 * close: the kernel takes one way for all who have it open. The stripe is held. */
static int do_without_backing(struct inode *inode, bool writer)
{
    node_flags(&inode->volume->nodes, &inode->ref, NODE_CACHED, 0);
    node_refresh(&inode->volume->nodes, &inode->ref);
    return file_io_provide(inode, writer, -1);
}

/* The file has got another class while it was opened: what the open began with is not true of it
 * any more. */
#define CLASS_CHANGED 1

/* Takes the stripe of a file that was counted as open, when it does not get another class. */
static struct lock *take_stripe(struct inode *inode)
{
    struct volume *volume = inode->volume;
    struct lock *stripe = volume_stripe(volume, &inode->ref);

    lock_take(stripe);
    while (class_switch_is_under_way(volume->switches, inode->ref.id)) {
        lock_release(stripe);
        volume_will_wait(volume);
        class_switch_hold_off(volume->switches, inode->ref.id);
        lock_take(stripe);
    }
    return stripe;
}

static int provide(struct inode *inode, bool writer, int io_fd)
{
    struct volume *volume = inode->volume;
    struct lock *stripe = take_stripe(inode);
    const struct class *class = inode_class(inode);
    bool passthrough;
    int error;

    node_refresh(&volume->nodes, &inode->ref);
    passthrough = inode_is_passthrough(inode);
    error = inode_class(inode) != class ? CLASS_CHANGED : last_close_is_gone(inode) ? -ESTALE : 0;
    if (!error && (!passthrough || io_fd >= 0))
        error = file_io_provide(inode, writer, io_fd);
    else if (!error && writer && inode_area(inode)->has_servers)
        error = file_io_provide_flush(inode);
    if (!error && passthrough) {
        error = provide_backing(inode);
        if (error && volume->info.brokered)
            error = do_without_backing(inode, writer);
    }
    lock_release(stripe);
    return error;
}

/* Does the same, and where there is no descriptor waits for one; without the stripe, which a
 * RELEASE may need. A caller that brings a descriptor has waited before. */
static int provide_in_time(struct inode *inode, bool writer, int io_fd)
{
    struct volume *volume = inode->volume;
    int error = provide(inode, writer, io_fd);
    bool came = io_fd < 0;
    unsigned mark;

    while (error == -ENFILE && came) {
        mark = orphans_gone(volume);
        error = provide(inode, writer, -1);
        came = error == -ENFILE && orphans_wait(volume, &mark);
    }
    return error;
}

static int truncate_once(struct inode *inode, fuse_req_t caller)
{
    struct request *request = volume_request(inode->volume);
    int64_t result;

    if (!request_was_executed(request, &result)) {
        result = file_truncate(inode, 0, caller);
        request_executed(request, result);
    }
    return (int)result;
}

/* Checks what the kernel cannot forbid when it opens the backing file itself, or maps it: a file
 * that may only grow must not be open for reading too, or a mapping could write anywhere. `stx`
 * receives the file's attributes. */
static int check_attributes(const struct inode *inode, int flags, struct statx *stx)
{
    int error = object_stat(inode->fd, stx);

    if (error)
        return error;
    if (stx->stx_attributes & STATX_ATTR_IMMUTABLE)
        return -EPERM;
    // Contents that the file gets later are written to any place in it.
    if ((stx->stx_attributes & STATX_ATTR_APPEND) &&
        (inode_contents(inode) ||
         (flags & (O_ACCMODE | O_APPEND | O_TRUNC)) != (O_WRONLY | O_APPEND)))
        return -EPERM;
    return 0;
}

/* Counts for a user what an open of a file pins. Passthrough pins nothing that the daemon could not
 * give back, but on stores without handles, and an open of a file that is open already nothing. */
static int count_share(struct inode *inode, uid_t user)
{
    int error = 0;

    if (inode_is_passthrough(inode) || inode->ref.held.io_fd >= 0)
        return 0;
    error = share_check(inode->volume, user);
    if (!error)
        share_count(inode, user);
    return error;
}

/* The kernel's FMODE_EXEC, with which it opens what it executes. */
#define OPEN_TO_EXECUTE 040

/* How long a store is believed to be writable. */
#define WRITABLE_NS 100000000

/* Checks that the store did not become read-only since it was mounted, as after an error that its
 * filesystem does not go on from. Otherwise the kernel, which opens the backing file itself, would
 * make EIO of EROFS. Nothing but opening a file for writing tells. */
static int check_writable(struct inode *inode)
{
    struct volume *volume = inode->volume;
    uint64_t now = clock_now();
    int fd;

    if (!area_kind(inode->ref.area)->lasts || now < volume->writable_until)
        return 0;
    fd = object_reopen(inode->fd, O_WRONLY | O_NONBLOCK);
    if (fd == -EROFS)
        return fd;
    // Any other fault is found by whoever needs the file.
    if (fd >= 0)
        close(fd);
    volume->writable_until = now + WRITABLE_NS;
    return 0;
}

/* Refuses to execute a file that a mapping can still write to, which may have no open file any
 * more: with passthrough it is one of the area's file, and the kernel knows of those that have the
 * mount's file open. Where that cannot be known the file is executed. */
static int check_executable(struct inode *inode)
{
    if (!inode_is_passthrough(inode))
        return 0;
    return attr_find_writers(inode) == 1 && attr_mapping_writes(inode) ? -ETXTBSY : 0;
}

/* Refuses an open that the kernel's FUSE client lets through and the area does not, and gives the
 * attributes of a file that is opened for writing. One that was created just now is there to be
 * used. */
static int check_open(struct inode *inode, const struct fuse_file_info *fi, bool created,
                      struct statx *stx)
{
    // Then the open of the daemon's own asks.
    bool is_asked_later =
        is_writer(fi) && inode_area(inode)->has_servers && inode->ref.held.io_fd < 0;
    int error;

    if (!created && !is_asked_later && inode_is_gone_file(inode))
        return -ESTALE;
    if (fi->flags & OPEN_TO_EXECUTE)
        return check_executable(inode);
    if (created || !is_writer(fi))
        return 0;
    // Without passthrough this is needed, too: another opener's descriptor may be there already.
    error = check_attributes(inode, fi->flags, stx);
    return error || is_asked_later ? error : check_writable(inode);
}

/* Takes an open back for which nothing was provided. */
static void take_open_back(struct inode *inode, bool writer)
{
    struct node_resources leftover;

    node_close(&inode->volume->nodes, volume_ledger(inode->volume), &inode->ref, writer,
               file_io_for_readers(inode), &leftover);
    resources_close(inode->volume, &leftover);
}

/* Tells the kernel which way the contents go. */
static void fill_open_reply(const struct inode *inode, struct fuse_file_info *fi)
{
    bool passthrough = inode_is_passthrough(inode);

    fi->backing_id = passthrough ? inode->ref.held.backing_id : 0;
    // The cache is stale if the file was passed through meanwhile.
    fi->keep_cache = !passthrough && !(inode->ref.flags & NODE_CACHED);
    // A file that does not last may be given a name that does, while it is open.
    fi->noflush = !inode_area(inode)->has_servers && !volume_forwards_locks(inode->volume) &&
                  !(inode->volume->info.hasty_writeback && area_kind(inode->ref.area)->lasts);
}

static int open_once(struct inode *inode, struct fuse_file_info *fi, fuse_req_t caller,
                     bool created, int io_fd)
{
    struct volume *volume = inode->volume;
    bool passthrough = inode_is_passthrough(inode);
    bool writer = is_writer(fi);
    CLEANUP_FD int given = io_fd;
    struct statx stx;
    int error = check_open(inode, fi, created, &stx);
    uint16_t before;

    if (!error)
        error = count_share(inode, fuse_req_ctx(caller)->uid);
    if (error)
        return error;
    before =
        node_open(&volume->nodes, volume_ledger(volume), &inode->ref, writer,
                  writer && passthrough ? NODE_MAYBE_MAPPED : 0, 0, file_io_for_readers(inode));
    error = provide_in_time(inode, writer, steal_fd(&given));
    if (error == CLASS_CHANGED) {
        take_open_back(inode, writer);
        return error;
    }
    if (!error && inode_contents(inode) && inode_contents(inode)->open)
        error = inode_contents(inode)->open(inode, writer);
    fi->fh = make_fh(writer, node_io_errors(&volume->nodes, &inode->ref, false),
                     file_locks_new_opening(volume));
    if (!error && (fi->flags & O_TRUNC))
        error = truncate_once(inode, fi->kill_suidgid ? caller : NULL);
    // The kernel has no attributes yet of a file that was just made.
    if (passthrough && writer && !created && (before & NODE_ATTR_CACHED))
        pending_invalidation_add(inode, &stx);
    if (error) {
        // The file may have been truncated all the same.
        if (fi->flags & O_TRUNC)
            attr_invalidate(volume, inode->ref.id);
        file_close(inode, fi);
        return error;
    }
    if (passthrough && writer)
        reclaim_settle(volume, inode_area(inode));
    fill_open_reply(inode, fi);
    return 0;
}

int file_open(struct inode *inode, struct fuse_file_info *fi, fuse_req_t caller)
{
    int error;

    // A mapping may have kept the file what it is, beyond its last close.
    if (inode->ref.flags & NODE_CHANGES_CLASS)
        inode_class(inode)->change(inode);
    do
        error = open_once(inode, fi, caller, false, -1);
    while (error == CLASS_CHANGED);
    return error;
}

int file_open_new(struct inode *inode, struct fuse_file_info *fi, fuse_req_t caller, int io_fd)
{
    int error = open_once(inode, fi, caller, true, io_fd);

    return error == CLASS_CHANGED ? file_open(inode, fi, caller) : error;
}

void file_keep(struct inode *inode)
{
    struct node_table *nodes = &inode->volume->nodes;

    node_open(nodes, volume_ledger(inode->volume), &inode->ref, false, 0, 0, false);
    lock_release(take_stripe(inode));
    node_refresh(nodes, &inode->ref);
}

void file_let_go(struct inode *inode)
{
    take_open_back(inode, false);
}

void file_close(struct inode *inode, const struct fuse_file_info *fi)
{
    const struct contents *contents = inode_contents(inode);
    FILE_IO struct file_io io = FILE_IO_NONE;
    bool writer = file_is_writer(fi);
    struct node_resources leftover;

    file_locks_opening_ended(inode->volume, inode->ref.id, file_opening(fi));
    // Kept from being closed, it can still be used; or else the file is opened again.
    if (contents && contents->close && file_io_begin(inode, writer, &io) != 0)
        io = FILE_IO_NONE;
    node_close(&inode->volume->nodes, volume_ledger(inode->volume), &inode->ref, writer,
               file_io_for_readers(inode), &leftover);
    resources_close(inode->volume, &leftover);
    if (contents && contents->close)
        contents->close(inode, io.fd);
    if (writer)
        pending_invalidation_writer_left(inode);
    file_io_end(&io);
    io = FILE_IO_NONE;
    node_refresh(&inode->volume->nodes, &inode->ref);
    if (inode->ref.opens == 0 && (inode->ref.flags & NODE_CHANGES_CLASS))
        inode_class(inode)->change(inode);
    last_close_settle(inode);
    hold_file_closed(inode->volume);
}

int file_flush(struct inode *inode, const struct fuse_file_info *fi)
{
    return file_is_writer(fi) ? file_io_flush(inode) : 0;
}

/* Returns whether an error says that data did not get to the disk, rather than that the call was
 * wrong. */
static bool is_writeback_error(int error)
{
    return error == -EIO || error == -ENOSPC || error == -EDQUOT;
}

int file_sync(struct inode *inode, const struct fuse_file_info *fi, bool data_only)
{
    const struct contents *contents = inode_contents(inode);
    struct node_table *nodes = &inode->volume->nodes;
    int error = inode_class(inode)->sync_waits ? file_io_sync(inode, data_only) : 0;

    // A commit that fails can be tried again, and loses nothing.
    if (!contents && is_writeback_error(error))
        node_io_errors(nodes, &inode->ref, true);
    else if (!error && node_io_errors(nodes, &inode->ref, false) != fh_errors(fi->fh))
        error = -EIO;
    return error;
}
