// SPDX-License-Identifier: BSD-2-Clause
/*
 * Listings of directories.
 *
 * The offsets are the area's own. Where they mean the same to any descriptor, the kernel opens no
 * directories, and each request opens the one that it reads (readdir_policy.h). Elsewhere the
 * handle is a descriptor of the directory; where its offsets do not stay true while entries come
 * and go, it has a record of what was read last as well (stream.h).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "fs/inode/deferred_close.h"
#include "fs/inode/descriptors.h"
#include "fs/limit/share.h"
#include "fs/nodes/node_fd.h"
#include "fs/ops/ops.h"
#include "fs/state/stream.h"
#include "fs/vfs/attr.h"
#include "fs/vfs/readdir_policy.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

/* The handle that the kernel names for a directory that it did not open. No stream has it, because
 * descriptor 0 is the mount's own. */
#define HANDLE_UNOPENED 0

/* A READDIRPLUS entry takes at least four times the room of its entry from getdents64(), unless the
 * name is long. */
#define PLUS_ENTRIES_SHARE 4

/* A reply to READDIR or READDIRPLUS that is being filled. */
struct readdir_reply {
    fuse_req_t req;
    struct inode *dir;
    bool plus;
    bool looks_up; // the entries that it adds
    char *data;
    size_t size, used;
    uint64_t *looked_up; // the nodes that a lookup was counted for
    size_t lookups;
};

static void close_stream(struct volume *volume, uint64_t fh)
{
    int fd;

    // As long as the number is this stream's.
    if (volume->state->streams) {
        fd = node_dir_fd(&volume->nodes, fh);
        if (fd >= 0)
            stream_forget(volume->state->streams, fd);
    }
    fd = node_dir_close(&volume->nodes, volume_ledger(volume), fh);
    if (fd >= 0)
        close(fd);
}

/* Opens a directory for reading, for one request or, where it is to be `kept`, for longer. Returns
 * the descriptor or a negative errno. */
static int open_directory(const struct inode *dir, bool kept)
{
    uint64_t since = 0;
    int fd;

    // The name "." would require the right to search the directory, which listing it does not.
    do {
        fd = object_reopen(dir->fd, O_RDONLY | O_DIRECTORY);
        if (kept)
            fd = descriptors_not_last(dir->volume, fd);
    } while (descriptors_await_room(dir->volume, &fd, &since));
    return fd;
}

void op_opendir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct volume *volume = volume_of(req);
    INODE struct inode inode = INODE_NONE;
    int fd = -1;
    int error;

    if (volume->info.lists_unopened) {
        // The kernel remembers this answer, and that it may keep listings.
        reply_never_again(req);
        return;
    }
    error = inode_acquire(volume, id, &inode);
    if (!error)
        error = share_check(volume, fuse_req_ctx(req)->uid);
    if (!error) {
        fd = open_directory(&inode, true);
        error = fd >= 0 ? 0 : fd;
    }
    if (error) {
        reply_err(req, -error);
        return;
    }
    fi->cache_readdir = fi->keep_cache = readdir_policy_keeps(volume, inode.ref.area);
    fi->fh = node_dir_open(&volume->nodes, volume_ledger(volume), fd);
    if (fi->fh == NODE_STREAM_NONE) {
        close(fd);
        reply_err(req, ENFILE);
    } else if (reply_open(req, fi) != 0) {
        close_stream(volume, fi->fh);
    }
}

void op_releasedir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    (void)id;
    close_stream(volume_of(req), fi->fh);
    reply_err(req, 0);
}

/* Makes a stream list the present contents, if it was opened before its directory became a class
 * root or ceased to be one. */
static int follow_class(const struct inode *dir, int fd)
{
    CLEANUP_FD int now = -1;
    struct statx is, was;

    // Without a second directory there was no change.
    if (dir->ref.held.io_fd < 0)
        return 0;
    if (object_stat(dir->fd, &is) != 0 || object_stat(fd, &was) != 0)
        return -EIO;
    if (is.stx_ino == was.stx_ino && is.stx_dev_minor == was.stx_dev_minor)
        return 0;
    now = object_reopen(dir->fd, O_RDONLY | O_DIRECTORY);
    if (now < 0)
        return now;
    return dup3(now, fd, O_CLOEXEC) < 0 ? -errno : 0;
}

/* Returns the descriptor by which a handle's directory is read, or a negative errno. A descriptor
 * that is `opened` for that is the caller's to close. */
static int directory_of(const struct inode *dir, uint64_t handle, int *opened)
{
    int error;
    int fd;

    if (handle == HANDLE_UNOPENED)
        return *opened = open_directory(dir, false);
    fd = node_dir_fd(&dir->volume->nodes, handle);
    error = fd < 0 ? -EBADF : follow_class(dir, fd);
    return error ? error : fd;
}

void op_fsyncdir(fuse_req_t req, fuse_ino_t id, int datasync, struct fuse_file_info *fi)
{
    INODE struct inode dir = INODE_NONE;
    CLEANUP_FD int opened = -1;
    int error = inode_acquire(volume_of(req), id, &dir);
    bool waits = !error && inode_class(&dir)->sync_waits;
    int fd = waits ? directory_of(&dir, fi->fh, &opened) : -1;

    if (waits && fd < 0)
        error = fd;
    else if (waits && (datasync ? fdatasync(fd) : fsync(fd)) != 0)
        error = -errno;
    reply_err(req, -error);
}

/* Returns what is known of an entry without looking it up. */
static struct stat entry_stat(const struct inode *dir, const struct dirent64 *entry)
{
    struct stat st = { .st_ino = inode_number(dir->volume, dir->ref.area, entry->d_ino),
                       .st_mode = (mode_t)entry->d_type << 12 };

    if (strcmp(entry->d_name, ".") == 0)
        st.st_ino = inode_number(dir->volume, dir->ref.tree, dir->ref.ino);
    return st;
}

static size_t add_plain(struct readdir_reply *reply, const struct dirent64 *entry)
{
    struct stat st = entry_stat(reply->dir, entry);

    return fuse_add_direntry(reply->req, reply->data + reply->used, reply->size - reply->used,
                             entry->d_name, &st, entry->d_off);
}

/* Looks an entry up that the kernel has looked up before: that takes no descriptor. Directories may
 * have become class roots meanwhile, and a file that is committed, or has a class of its own, has
 * more than its attributes. Returns whether it was done. */
static bool look_up_known(struct inode *dir, const char *name, struct inode *inode,
                          struct statx *stx)
{
    struct volume *volume = dir->volume;
    struct node_key key;

    if (volume->state->file_classes || inode_class(dir)->contents ||
        inode_key_of_name(dir, name, &key, stx) != 0 || S_ISDIR(stx->stx_mode) ||
        makedev(stx->stx_dev_major, stx->stx_dev_minor) !=
            volume_area(volume, dir->ref.area)->device ||
        !node_claim_known(&volume->nodes, volume_ledger(volume), &key, &inode->ref))
        return false;
    inode->volume = volume;
    inode->fd = inode->ref.held.path_fd;
    return true;
}

static size_t add_plus(struct readdir_reply *reply, const struct dirent64 *entry)
{
    size_t room = reply->size - reply->used;
    size_t needed = fuse_add_direntry_plus(reply->req, NULL, 0, entry->d_name, NULL, 0);
    struct fuse_entry_param param = { .attr = entry_stat(reply->dir, entry) };
    uint64_t mark = attr_mark(reply->dir->volume);
    INODE struct inode inode = INODE_NONE;
    struct statx stx;
    int error;

    if (needed > room)
        return needed;
    if (reply->looks_up && !object_is_dot(entry->d_name)) {
        error = look_up_known(reply->dir, entry->d_name, &inode, &stx)
                    ? 0
                    : inode_lookup(reply->dir, entry->d_name, &inode, &stx);
        if (error == -ENOENT)
            return 0;
        if (!error && fill_entry(&inode, mark, &stx, &param) == 0) {
            reply->looked_up[reply->lookups++] = inode.ref.id;
        } else if (!error) {
            inode_unlookup(&inode);
            return 0;
        }
    }
    return fuse_add_direntry_plus(reply->req, reply->data + reply->used, room, entry->d_name,
                                  &param, entry->d_off);
}

/* Returns how much to read for the rest of a reply. Where a stream keeps what was read, no more
 * than fits in any case: the shortest entries of getdents64(), of 24 bytes, become 32 or 160. */
static size_t read_size(const struct readdir_reply *reply, const struct stream *stream)
{
    size_t room = stream->record ? reply->size - reply->used : reply->size;

    if (stream->record)
        return reply->plus ? room / 20 * 3 : room / 4 * 3;
    return reply->plus ? room / PLUS_ENTRIES_SHARE : room;
}

/* Adds the next entries of a stream until the reply is full. */
static int fill_reply(struct readdir_reply *reply, struct stream *stream, char *buffer)
{
    const char *entries;
    ssize_t length;
    size_t needed;

    while ((length = stream_next(stream, buffer, read_size(reply, stream), reply->used == 0,
                                 &entries)) > 0) {
        for (ssize_t at = 0; at < length;) {
            const struct dirent64 *entry = (const void *)(entries + at);

            at += entry->d_reclen;
            if (inode_hides(reply->dir->volume, reply->dir->ref.id, entry->d_name))
                continue;
            needed = reply->plus ? add_plus(reply, entry) : add_plain(reply, entry);
            if (needed > reply->size - reply->used)
                return 0;
            reply->used += needed;
        }
    }
    return length == -EINVAL && reply->used > 0 ? 0 : (int)length;
}

static void forget_lookups(struct volume *volume, const struct readdir_reply *reply)
{
    struct node_resources leftover;

    for (size_t i = 0; i < reply->lookups; i++) {
        node_unlookup(&volume->nodes, volume_ledger(volume), reply->looked_up[i], &leftover);
        resources_close(volume, &leftover);
    }
}

static void read_directory(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset,
                           const struct fuse_file_info *fi, bool plus)
{
    struct volume *volume = volume_of(req);
    INODE struct inode dir = INODE_NONE;
    struct readdir_reply reply = { .req = req, .dir = &dir, .plus = plus, .size = size };
    size_t smallest = plus ? fuse_add_direntry_plus(req, NULL, 0, "", NULL, 0) : 0;
    CLEANUP_FREE char *data = malloc(size);
    CLEANUP_FREE char *buffer = malloc(size);
    CLEANUP_FREE uint64_t *looked_up =
        plus ? calloc(size / smallest + 1, sizeof(*looked_up)) : NULL;
    CLEANUP_FD int opened = -1;
    int error = inode_acquire(volume, id, &dir);
    struct stream stream = { .fd = error ? error : directory_of(&dir, fi->fh, &opened),
                             .handle = fi->fh };

    if (stream.fd < 0)
        error = stream.fd;
    reply.data = data;
    reply.looked_up = looked_up;
    // The kernel begins each listing so, and goes on if somebody has looked at the entries. Other
    // hosts' servers are asked for each of them, and what they say is believed for a moment only.
    reply.looks_up = plus && !error && !(offset == 0 && inode_is_of_others(&dir));
    if (!error && (!data || !buffer || (plus && !looked_up)))
        error = -ENOMEM;
    if (!error)
        error = stream_start(&stream, readdir_policy_records(volume, dir.ref.area), offset);
    if (!error)
        error = fill_reply(&reply, &stream, buffer);
    stream_leave(&stream);
    // The reply has the entries that were read before an error; the next request gets the error.
    if (error && reply.used == 0)
        reply_err(req, -error);
    else if (reply_buf(req, data, reply.used) != 0)
        forget_lookups(volume, &reply);
}

void op_readdir(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi)
{
    read_directory(req, id, size, offset, fi, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
    read_directory(req, id, size, offset, fi, true);
}
