// SPDX-License-Identifier: BSD-2-Clause
#include "fs/journal/journaled_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/journal/volume_journal.h"
#include "fs/notice/notice.h"
#include "fs/util/log.h"
#include "fs/vfs/file_io.h"
#include "lib/class/commit_mark.h"
#include "lib/object/object.h"

#define NANOSECONDS INT64_C(1000000000)

static void leave(struct journal_object **object)
{
    journal_leave(*object);
}
#define OBJECT __attribute__((cleanup(leave))) struct journal_object

/* Finds what the journal has of a file; NULL: the store's file is all there is. */
static struct journal_object *find_object(const struct inode *inode)
{
    struct journal *journal = volume_journal(inode->volume);
    struct statx key = { .stx_mask = STATX_INO | STATX_BTIME,
                         .stx_ino = inode->ref.ino,
                         .stx_btime = { .tv_sec = (int64_t)inode->ref.birth / NANOSECONDS,
                                        .tv_nsec = (uint32_t)(inode->ref.birth % NANOSECONDS) } };

    return journal ? journal_find(journal, &key) : NULL;
}

/* Finds a file in the journal, or enters it there, to change its contents. */
static int enter_object(struct inode *inode, int fd, struct journal_object **object)
{
    struct journal *journal;
    struct statx stx;
    int error;

    *object = find_object(inode);
    if (*object)
        return 0;
    error = volume_journal_need(inode->volume, &journal);
    if (!error)
        error = object_stat(fd, &stx);
    return error ? error
                 : journal_enter(journal, fd, &stx, inode_class(inode)->works_in_ram, object);
}

static ssize_t read_journaled(struct inode *inode, int fd, void *data, size_t size, off_t offset)
{
    OBJECT *object = find_object(inode);
    ssize_t length;

    if (object)
        return journal_read(object, fd, data, size, offset);
    do
        length = pread(fd, data, size, offset);
    while (length < 0 && errno == EINTR);
    return length < 0 ? -errno : length;
}

static ssize_t write_journaled(struct inode *inode, int fd, const void *data, size_t size,
                               off_t offset)
{
    OBJECT *object = NULL;
    ssize_t written = enter_object(inode, fd, &object);

    if (written == 0)
        written = journal_write(object, fd, data, size, offset);
    if (written > 0)
        volume_journal_changed(inode->volume);
    return written;
}

static int truncate_journaled(struct inode *inode, int fd, off_t size)
{
    OBJECT *object = NULL;
    int error = enter_object(inode, fd, &object);

    return error ? error : journal_truncate(object, fd, size);
}

/* Finds room for what is written later, and makes the file as large. The room is the store's file's
 * own: it is there when what is committed is written to it. */
static int find_room(struct inode *inode, int fd, int mode, off_t offset, off_t length)
{
    struct statx stx;
    int error;

    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, length) != 0)
        return -errno;
    if (mode & FALLOC_FL_KEEP_SIZE)
        return 0;
    error = inode_stat(inode, fd, &stx);
    return error || (off_t)stx.stx_size >= offset + length
               ? error
               : truncate_journaled(inode, fd, offset + length);
}

static int allocate_journaled(struct inode *inode, int fd, int mode, off_t offset, off_t length)
{
    bool keeps_size = mode & FALLOC_FL_KEEP_SIZE;
    OBJECT *object = NULL;
    int error;

    if (mode == 0 || mode == FALLOC_FL_KEEP_SIZE)
        return find_room(inode, fd, mode, offset, length);
    if (mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) &&
        (mode & ~FALLOC_FL_KEEP_SIZE) != FALLOC_FL_ZERO_RANGE)
        return -EOPNOTSUPP;
    error = enter_object(inode, fd, &object);
    return error ? error : journal_zero(object, fd, offset, length, keeps_size);
}

static off_t seek_journaled(struct inode *inode, int fd, off_t offset, int whence)
{
    OBJECT *object = find_object(inode);
    off_t found;

    if (object)
        return journal_seek(object, fd, offset, whence);
    found = lseek(fd, offset, whence);
    return found < 0 ? -errno : found;
}

static int commit(struct inode *inode, struct journal_object *object, int fd)
{
    struct journal *journal = volume_journal(inode->volume);
    int error = journal_commit(journal, &object, &fd, 1);

    volume_journal_changed(inode->volume);
    return error;
}

static int sync_journaled(struct inode *inode, int fd)
{
    OBJECT *object = find_object(inode);

    // A file that the journal has nothing of may still be new.
    if (!object)
        return fsync(fd) == 0 ? 0 : -errno;
    return commit(inode, object, fd);
}

static void overlay_journaled(const struct inode *inode, struct statx *stx)
{
    OBJECT *object = find_object(inode);

    if (object)
        journal_overlay_stat(object, stx);
}

static void touch_journaled(struct inode *inode, bool mtime)
{
    OBJECT *object = find_object(inode);
    struct statx stx;

    if (!object)
        return;
    journal_touch_metadata(object);
    if (mtime && inode_need_fd(inode) == 0 && object_stat(inode->fd, &stx) == 0)
        journal_set_mtime(object, stx.stx_mtime.tv_sec * NANOSECONDS + stx.stx_mtime.tv_nsec);
}

static int open_journaled(struct inode *inode, bool writer)
{
    struct node_table *nodes = &inode->volume->nodes;

    // The kernel may go by a size that the file has not any more. It looks once more, and then at
    // the attributes, too.
    if (node_flags(nodes, &inode->ref, 0, NODE_TAKEN_BACK) & NODE_TAKEN_BACK)
        return -ESTALE;
    node_refresh(nodes, &inode->ref);
    // A write to a part of a page is laid over the page, which is read for that.
    if (writer && !(inode->ref.flags & NODE_IO_READABLE))
        return -EACCES;
    if (writer)
        volume_journal_opened(inode->volume, inode->ref.policy & COMMIT_INTERVAL);
    return 0;
}

/* Logs what a close could not commit, by the file's path in the store. */
static void log_uncommitted(struct inode *inode, int error)
{
    char path[PATH_MAX];

    log_event(LOG_ERR, "%s was closed and could not be committed: %s; it is tried again later",
              inode_need_fd(inode) == 0 ? object_shown_path(inode->fd, path) : "a file",
              strerror(-error));
}

/* Takes back what nobody has committed, unless somebody has opened the file again. An open for
 * writing counts itself first, and then passes through the stripe. */
static void take_back(struct inode *inode, struct journal_object *object)
{
    struct volume *volume = inode->volume;
    struct lock *stripe = volume_stripe(volume, &inode->ref);
    bool taken;

    lock_take(stripe);
    node_refresh(&volume->nodes, &inode->ref);
    taken = inode->ref.writers == 0 && journal_is_dirty(object) && journal_drop(object) == 0;
    if (taken) {
        node_flags(&volume->nodes, &inode->ref, NODE_TAKEN_BACK, 0);
        notice_drop_contents(volume->info.device, inode->ref.id);
    }
    lock_release(stripe);
}

static void close_journaled(struct inode *inode, int fd)
{
    OBJECT *object = find_object(inode);
    int error;

    if (!object)
        return;
    node_refresh(&inode->volume->nodes, &inode->ref);
    // After a crash nobody would find what has no name.
    if (inode->ref.writers > 0 || !journal_is_dirty(object) || inode_is_nameless(inode))
        return;
    if (inode->ref.policy & COMMIT_SYNC_ALONE) {
        take_back(inode, object);
        return;
    }
    volume_will_sync(inode->volume);
    error = commit(inode, object, fd);
    if (error)
        log_uncommitted(inode, error);
}

static void end_journaled(struct inode *inode)
{
    OBJECT *object = find_object(inode);

    if (object)
        journal_forget(object);
}

static int settle_journaled(struct inode *inode)
{
    OBJECT *object = find_object(inode);
    FILE_IO struct file_io io = FILE_IO_NONE;

    if (!object || !journal_is_dirty(object))
        return 0;
    return commit(inode, object, file_io_begin(inode, false, &io) == 0 ? io.fd : -1);
}

bool journaled_is_uncommitted(const struct inode *inode, uint64_t *bytes)
{
    OBJECT *object = find_object(inode);

    return object && journal_is_uncommitted(object, bytes);
}

/* Brings all of a file to the store's. */
static int give_journaled(struct inode *inode, int fd, const struct move *move)
{
    struct journal *journal = volume_journal(inode->volume);
    OBJECT *object = find_object(inode);
    int error = object ? commit(inode, object, fd) : 0;

    (void)move;
    // The file changes from now on without the journal.
    if (journal)
        journal_point_break(journal);
    return error || !object ? error : journal_apply(journal);
}

const struct contents JOURNALED_CONTENTS = {
    .read = read_journaled,
    .write = write_journaled,
    .truncate = truncate_journaled,
    .allocate = allocate_journaled,
    .seek = seek_journaled,
    .sync = sync_journaled,
    .overlay = overlay_journaled,
    .touch = touch_journaled,
    .open = open_journaled,
    .close = close_journaled,
    .gone = end_journaled,
    .settle = settle_journaled,
    .give = give_journaled,
};
