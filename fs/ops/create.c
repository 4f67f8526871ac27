// SPDX-License-Identifier: BSD-2-Clause
/* New names: files, directories, symlinks, special files, hard links; and files without a name. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fs/class/anon_names.h"
#include "fs/class/crossing.h"
#include "fs/class/mirror.h"
#include "fs/inode/descriptors.h"
#include "fs/inode/impersonate.h"
#include "fs/inode/rename.h"
#include "fs/inode/reopen.h"
#include "fs/lifetime/last_close.h"
#include "fs/limit/scratch_limit.h"
#include "fs/ops/ops.h"
#include "fs/util/fault.h"
#include "fs/vfs/attr.h"
#include "fs/vfs/file.h"
#include "fs/vfs/pending_invalidation.h"
#include "fs/vfs/reclaim.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

/* Returns the mode that a new file gets. New files of others on a user's own mount belong to
 * that user, who alone may have programs run in his name. */
static mode_t mode_of_new(fuse_req_t req, mode_t mode)
{
    const struct mount_info *info = &volume_of(req)->info;
    bool own = info->cred.privileged || fuse_req_ctx(req)->uid == info->owner;

    return own || S_ISDIR(mode) ? mode : mode & ~(mode_t)(S_ISUID | S_ISGID);
}

struct new_entry {
    const char *name;
    mode_t mode; // with the type
    dev_t rdev;
    const char *target; // for a symlink
};

static int make(const struct inode *dir, const struct new_entry *new)
{
    int result;

    if (S_ISDIR(new->mode))
        result = mkdirat(dir->fd, new->name, new->mode & 07777);
    else if (S_ISLNK(new->mode))
        result = symlinkat(new->target, dir->fd, new->name);
    else
        result = mknodat(dir->fd, new->name, new->mode, new->rdev);
    return result == 0 ? 0 : -errno;
}

/* Returns whether the entry was made when the request was first carried out. The kernel only asks
 * for names that it knows to be free, and keeps them free until it has the answer. Another host may
 * have made it, and two must not believe that they did. */
static bool is_made(const struct inode *dir, const struct new_entry *new)
{
    struct node_key key;
    struct statx stx;

    return request_is_repeated(volume_request(dir->volume)) && !inode_is_of_others(dir) &&
           inode_key_of_name(dir, new->name, &key, &stx) == 0 &&
           (stx.stx_mode & S_IFMT) == (new->mode &S_IFMT);
}

static int make_as_caller(fuse_req_t req, const struct inode *dir, const struct new_entry *new)
{
    unsigned mark = reclaim_mark(dir->volume);
    int error = impersonate_begin(dir->volume, req, new->mode);

    if (error)
        return error;
    do
        error = make(dir, new);
    while (error == -ENOSPC && reclaim_wait(dir->volume, &mark));
    impersonate_end(dir->volume, new->mode);
    return error == -EEXIST && is_made(dir, new) ? 0 : error;
}

/* Makes a directory with all that belongs to it, or nothing. Returns 1 if it has a class of its
 * own, 0, or a negative errno. */
static int make_with_mirror(fuse_req_t req, struct inode *dir, const struct new_entry *new)
{
    MIRROR struct mirror mirror = MIRROR_NONE;
    int error = mirror_begin(dir, &mirror), class;

    if (!error)
        error = make_as_caller(req, dir, new);
    if (error)
        return error;
    class = anon_names_mark_new(dir, new->name);
    error = class < 0 ? class : last_close_inherit_name(dir, new->name);
    if (!error && mirror_has_names(&mirror))
        error = mirror_make(&mirror, dir, new->name);
    if (error) {
        unlinkat(dir->fd, new->name, AT_REMOVEDIR);
        if (mirror_has_names(&mirror))
            mirror_remove(&mirror, new->name);
    }
    return error ? error : class;
}

/* Makes a regular file, which has a lifetime of its own if the directory wants it. */
static int make_with_lifetime(fuse_req_t req, struct inode *dir, const struct new_entry *new)
{
    int error = make_as_caller(req, dir, new);

    if (error || !S_ISREG(new->mode))
        return error;
    error = last_close_inherit_name(dir, new->name);
    if (error)
        unlinkat(dir->fd, new->name, 0);
    return error;
}

static int make_once(fuse_req_t req, struct inode *dir, const struct new_entry *new)
{
    struct request *request = volume_request(dir->volume);
    int64_t result;

    if (request_was_executed(request, &result))
        return (int)result;
    if (!memory_guard_take(dir->volume->memory, MEMORY_OF_FILE))
        return -ENOSPC;
    result =
        S_ISDIR(new->mode) ? make_with_mirror(req, dir, new) : make_with_lifetime(req, dir, new);
    request_executed(request, result);
    return (int)result;
}

/* Removes an entry that could not become a node: it must not stay behind under its name. */
static void unmake(struct inode *dir, const struct new_entry *new)
{
    MIRROR struct mirror mirror = MIRROR_NONE;

    if (S_ISDIR(new->mode))
        mirror_begin(dir, &mirror);
    if (mirror_has_names(&mirror))
        mirror_remove(&mirror, new->name);
    unlinkat(dir->fd, new->name, S_ISDIR(new->mode) ? AT_REMOVEDIR : 0);
}

static void make_and_reply(fuse_req_t req, fuse_ino_t parent, const struct new_entry *new)
{
    INODE struct inode dir = INODE_NONE;
    INODE struct inode inode = INODE_NONE;
    uint64_t mark = attr_mark(volume_of(req));
    struct statx stx;
    int error = inode_check_name(volume_of(req), parent, new->name);

    if (!error)
        error = inode_acquire_to_look(volume_of(req), parent, &dir);
    if (!error)
        error = make_once(req, &dir, new);
    if (error >= 0) {
        error = inode_lookup_made(&dir, new->name, error == 0, &inode, &stx);
        if (error)
            unmake(&dir, new);
    }
    if (error) {
        reply_err(req, -error);
        return;
    }
    // Nobody has opened it, and perhaps nobody will.
    last_close_looked_up(&inode);
    last_close_settle(&inode);
    reply_inode(req, &inode, mark, &stx, false);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
    make_and_reply(
        req, parent,
        &(struct new_entry){ .name = name, .mode = mode_of_new(req, mode), .rdev = rdev });
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    make_and_reply(req, parent,
                   &(struct new_entry){ .name = name, .mode = S_IFDIR | (mode & 07777) });
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    make_and_reply(req, parent,
                   &(struct new_entry){ .name = name, .mode = S_IFLNK, .target = target });
}

static int link_to(struct inode *inode, struct inode *dir, const char *name)
{
    ENTRIES = entries_begin(dir);
    struct object_path path;

    if (inode->ref.area != dir->ref.area || inode_is_class_root(inode) || crosses(inode, dir) ||
        scratch_limit_separates(inode, dir))
        return -EXDEV;
    // With two names the node is no longer known by one.
    reopen_never(inode->volume, &inode->ref);
    if (linkat(AT_FDCWD, object_path_of(inode->fd, &path), dir->fd, name, AT_SYMLINK_FOLLOW) != 0)
        return -errno;
    last_close_follow_name(inode, dir->fd, name);
    inode_touched(inode, false);
    return 0;
}

static int link_once(struct inode *inode, struct inode *dir, const char *name)
{
    struct request *request = volume_request(dir->volume);
    struct node_key key;
    struct statx stx;
    int64_t result;

    if (request_was_executed(request, &result))
        return (int)result;
    result = link_to(inode, dir, name);
    // This is the link that was made when the request was first carried out.
    if (result == -EEXIST && request_is_repeated(request) &&
        inode_key_of_name(dir, name, &key, &stx) == 0 && key.ino == inode->ref.ino)
        result = 0;
    request_executed(request, result);
    return (int)result;
}

void op_link(fuse_req_t req, fuse_ino_t id, fuse_ino_t parent, const char *name)
{
    struct volume *volume = volume_of(req);
    INODE struct inode inode = INODE_NONE;
    INODE struct inode dir = INODE_NONE;
    INODE struct inode linked = INODE_NONE;
    uint64_t mark = attr_mark(volume);
    struct statx stx;
    int error = inode_check_name(volume, parent, name);

    if (!error)
        error = inode_acquire(volume, id, &inode);
    if (!error)
        error = inode_acquire(volume, parent, &dir);
    if (!error)
        error = link_once(&inode, &dir, name);
    if (error) {
        reply_err(req, -error);
        return;
    }
    // This is the same node again: the kernel counts the new name as a lookup.
    error = inode_lookup(&dir, name, &linked, &stx);
    if (error) {
        unlinkat(dir.fd, name, 0);
        reply_err(req, -error);
        return;
    }
    reply_inode(req, &linked, mark, &stx, true);
}

/* Removes the file that was made when the request was first carried out. Nobody can have seen it
 * yet: the kernel has kept its directory locked since then. Its descriptor, which could do more
 * than opening the file again allows, died with the process. */
static void unmake_file(const struct inode *dir, const char *name)
{
    struct node_key key;
    struct statx stx;

    if (name && request_is_repeated(volume_request(dir->volume)) && !inode_is_of_others(dir) &&
        inode_key_of_name(dir, name, &key, &stx) == 0 && S_ISREG(stx.stx_mode) &&
        stx.stx_size == 0 && stx.stx_nlink == 1)
        unlinkat(dir->fd, name, 0);
}

/* Returns whether the daemon need not open a new file: the kernel does, by a path descriptor, which
 * is sure to be of that file where nobody else can give its name to another one. A broker may not
 * register it, and then a descriptor is needed. */
static bool stays_unopened(const struct inode *dir, const char *name)
{
    return name && area_kind(dir->ref.area)->is_private && inode_area(dir)->handles &&
           inode_class(dir)->passes_through && !dir->volume->info.brokered &&
           volume_data_path(dir->volume, dir->ref.area)->passthrough;
}

/* Makes a file with its lifetime. Returns a descriptor (0 if `unopened`) or a negative errno. */
static int make_file(const struct inode *dir, const char *name, mode_t mode, int how, bool unopened)
{
    int fd = unopened ? mknodat(dir->fd, name, S_IFREG | mode, 0)
                      : openat(dir->fd, name ? name : ".", how | O_RDWR | O_CLOEXEC, mode);
    int error = fd < 0 ? -errno : 0;

    if (!error && name) {
        error = unopened ? last_close_inherit_name(dir, name) : last_close_inherit(dir, fd);
        if (error)
            unlinkat(dir->fd, name, 0);
    }
    if (error && fd >= 0 && !unopened)
        close(fd);
    return error ? error : fd;
}

/* Makes a file, with a name or without. `io_fd` receives a descriptor, or -1 if it needs none. */
static int make_open(fuse_req_t req, const struct inode *dir, const char *name, mode_t mode,
                     int flags, int *io_fd)
{
    int how = name ? O_CREAT | O_EXCL | O_NOFOLLOW : O_TMPFILE | (flags & O_EXCL);
    bool unopened = stays_unopened(dir, name);
    unsigned mark = reclaim_mark(dir->volume);
    uint64_t since = 0;
    int fd;

    unmake_file(dir, name);
    if (!memory_guard_take(dir->volume->memory, MEMORY_OF_FILE))
        return -ENOSPC;
    fd = impersonate_begin(dir->volume, req, mode);
    if (fd < 0)
        return fd;
    do
        fd = make_file(dir, name, mode & 07777, how, unopened); // its lifetime takes room, too
    while (descriptors_await_room(dir->volume, &fd, &since) ||
           (fd == -ENOSPC && reclaim_wait(dir->volume, &mark)));
    impersonate_end(dir->volume, mode);
    fault_point(FAULT_AFTER_EXECUTION);
    // The kernel knew of no such name. If it was made behind the mount's back: look again.
    if (fd < 0)
        return fd == -EEXIST && !(flags & O_EXCL) ? -ESTALE : fd;
    *io_fd = unopened ? -1 : fd;
    return 0;
}

/* Opens a path descriptor of a file that was just made. Opening it by name is quicker than through
 * /proc; in a private area nobody else can have replaced it. */
static int path_of_new(const struct inode *dir, const char *name, int fd)
{
    uint64_t since = 0;
    int path_fd;

    do
        path_fd = name && area_kind(dir->ref.area)->is_private ? object_open_in(dir->fd, name)
                                                               : object_reopen(fd, O_PATH);
    while (descriptors_await_room(dir->volume, &path_fd, &since));
    return path_fd;
}

static int open_new(fuse_req_t req, struct inode *dir, const char *name, int fd,
                    struct fuse_file_info *fi, struct inode *inode, struct fuse_entry_param *entry)
{
    CLEANUP_FD int io_fd = fd;
    struct statx stx;
    int path_fd = path_of_new(dir, name, fd);
    int error = path_fd < 0 ? path_fd : inode_adopt(dir, name, path_fd, inode, &stx);

    if (error)
        return error;
    fi->flags &= ~O_TRUNC;
    error = file_open_new(inode, fi, req, steal_fd(&io_fd));
    if (error) {
        inode_unlookup(inode);
        return error;
    }
    node_flags(&dir->volume->nodes, &inode->ref, NODE_WITHOUT_CAPABILITY, 0);
    *entry = (struct fuse_entry_param){ .ino = inode->ref.id,
                                        .attr_timeout = pending_invalidation_add_new(inode, &stx),
                                        .entry_timeout = volume_timeout(dir->volume) };
    attr_to_stat(inode, &stx, &entry->attr);
    return 0;
}

static void create_and_reply(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                             struct fuse_file_info *fi)
{
    INODE struct inode dir = INODE_NONE;
    INODE struct inode inode = INODE_NONE;
    struct fuse_entry_param entry;
    int error = name ? inode_check_name(volume_of(req), parent, name) : 0;
    int fd;

    if (!error)
        error = inode_acquire_to_look(volume_of(req), parent, &dir);
    if (!error)
        error = make_open(req, &dir, name, mode, fi->flags, &fd);
    if (!error) {
        error = open_new(req, &dir, name, fd, fi, &inode, &entry);
        if (error && name)
            unlinkat(dir.fd, name, 0);
    }
    if (error) {
        reply_err(req, -error);
    } else if (reply_create(req, &entry, fi) != 0) {
        file_close(&inode, fi);
        inode_unlookup(&inode);
    }
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *fi)
{
    create_and_reply(req, parent, name, mode_of_new(req, mode), fi);
}

void op_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi)
{
    create_and_reply(req, parent, NULL, mode_of_new(req, mode), fi);
}
