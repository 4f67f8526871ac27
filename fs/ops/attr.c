// SPDX-License-Identifier: BSD-2-Clause
/* Operations on attributes of files, and of the areas that they are in. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "fs/class/mirror.h"
#include "fs/inode/descriptors.h"
#include "fs/inode/impersonate.h"
#include "fs/ops/ops.h"
#include "fs/outage/store_watch.h"
#include "fs/vfs/attr.h"
#include "fs/vfs/file.h"
#include "fs/vfs/file_io.h"
#include "fs/vfs/file_size.h"
#include "lib/object/flags.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

/* How long the kernel may keep what it is told of a store that does not answer. */
#define SILENT_SECONDS 1

/* The caller lacks CAP_FSETID. */
#define KILLS (FUSE_SET_ATTR_KILL_SUID | FUSE_SET_ATTR_KILL_SGID)

/* Replies with the attributes of an inode. After a change the kernel is not to keep them if further
 * changes may come unseen. */
static void reply_inode_attr(fuse_req_t req, struct inode *inode, bool changed)
{
    bool fleeting = changed && attr_changes_unseen(inode);
    struct statx stx;
    struct stat st;
    double timeout = 0;
    int error = attr_read(inode, &stx, fleeting ? NULL : &timeout);
    bool is_store_root = inode->ref.id == NODE_ROOT_ID && inode->ref.area == AREA_STORE;

    if (!error)
        attr_to_stat(inode, &stx, &st);
    if (!error && is_store_root)
        store_watch_note_root(inode->volume, &st);
    if (is_store_root && store_watch_is_outage(error) && store_watch_root(inode->volume, &st)) {
        timeout = SILENT_SECONDS;
        error = 0;
    }
    if (error)
        reply_err(req, -error);
    else
        reply_attr(req, &st, timeout);
}

void op_getattr(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    INODE struct inode inode = INODE_NONE;
    struct stat st;
    int error;

    (void)fi;
    // A caller that goes to an anonymous directory needs the root's attributes, and not the store.
    if (id == NODE_ROOT_ID && store_watch_is_silent(volume_of(req)) &&
        store_watch_root(volume_of(req), &st)) {
        reply_attr(req, &st, SILENT_SECONDS);
        return;
    }
    error = inode_acquire_to_look(volume_of(req), id, &inode);
    if (error)
        reply_err(req, -error);
    else
        reply_inode_attr(req, &inode, false);
}

void op_statx(fuse_req_t req, fuse_ino_t id, int flags, int mask, struct fuse_file_info *fi)
{
    INODE struct inode inode = INODE_NONE;
    struct statx stx;
    double timeout;
    int error = inode_acquire_to_look(volume_of(req), id, &inode);

    (void)flags;
    (void)mask;
    (void)fi;
    if (!error)
        error = attr_read(&inode, &stx, &timeout);
    if (error) {
        reply_err(req, -error);
        return;
    }
    stx.stx_ino = inode_number(inode.volume, inode.ref.tree, inode.ref.ino);
    reply_statx(req, 0, &stx, timeout);
}

static int set_inode_mode(struct inode *inode, int fd, mode_t mode)
{
    // The kernel has decided whether the caller may set setgid.
    KEEP_SETID(&inode->volume->info.cred, mode & S_ISGID);

    file_io_expect_mode(inode, mode);
    return object_set_mode(fd, mode & 07777);
}

static int set_inode_owner(int fd, const struct stat *attr, int to_set)
{
    uid_t uid = to_set & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1;
    gid_t gid = to_set & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1;

    return fchownat(fd, "", uid, gid, AT_EMPTY_PATH) == 0 ? 0 : -errno;
}

static struct timespec time_to_set(struct timespec time, int to_set, int given, int now)
{
    if (to_set & now)
        return (struct timespec){ .tv_nsec = UTIME_NOW };
    if (!(to_set & given))
        return (struct timespec){ .tv_nsec = UTIME_OMIT };
    return time;
}

static int set_inode_times(int fd, const struct stat *attr, int to_set)
{
    struct timespec times[2] = {
        time_to_set(attr->st_atim, to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW),
        time_to_set(attr->st_mtim, to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW),
    };

    return utimensat(fd, "", times, AT_EMPTY_PATH) == 0 ? 0 : -errno;
}

/* Returns whether a new owner or group leaves a file its mark (impersonate.h), as it does for root
 * and for members of the group that it had. With setuid a new mode is set, for which the group that
 * it gets counts, too. */
static bool owner_keeps_mark(fuse_req_t req, int fd, const struct stat *attr, int to_set)
{
    struct stat now;

    if (fstat(fd, &now) != 0 || !impersonate_is_mark(now.st_mode))
        return false;
    return impersonate_has_group(req, now.st_gid) &&
           (!(now.st_mode & S_ISUID) || !(to_set & FUSE_SET_ATTR_GID) ||
            impersonate_has_group(req, attr->st_gid));
}

/* Does what chown(2) does: setuid and setgid go, whatever the owner becomes. */
static int change_owner(fuse_req_t req, const struct inode *inode, int fd, const struct stat *attr,
                        int to_set)
{
    bool keeps_mark = owner_keeps_mark(req, fd, attr, to_set);
    KEEP_SETID(&inode->volume->info.cred, keeps_mark);

    // The thread may still have the identity of one who would keep it.
    if (!keeps_mark)
        impersonate_none(inode->volume);
    return set_inode_owner(fd, attr, to_set);
}

/* Returns whether a change by the caller takes setuid or setgid away. */
static bool loses_setid(fuse_req_t req, const struct stat *now)
{
    if (S_ISDIR(now->st_mode))
        return false;
    return (now->st_mode & S_ISUID) ||
           ((now->st_mode & S_ISGID) &&
            !(impersonate_is_mark(now->st_mode) && impersonate_has_group(req, now->st_gid)));
}

/* Takes setuid and setgid away, without naming an attribute. That is chown(2) to -1, -1, for which
 * the kernel has not looked whether the caller may; or it comes before a write, and nothing tells
 * which. A stranger to a file that nobody has open for writing does not write. If somebody has,
 * passthrough is about to write with the daemon's rights, and the other ways to write ask for
 * setuid and setgid once more. */
static int take_setid(fuse_req_t req, struct inode *inode)
{
    uid_t caller = fuse_req_ctx(req)->uid;
    struct stat now;

    if (fstat(inode->fd, &now) != 0)
        return -errno;
    inode_touched(inode, false);
    if (caller == 0 || caller == now.st_uid)
        return change_owner(req, inode, inode->fd, &now, 0);
    if (!loses_setid(req, &now))
        return 0;
    if (inode->ref.writers == 0)
        return -EPERM;
    return inode_is_passthrough(inode) ? change_owner(req, inode, inode->fd, &now, 0) : 0;
}

static int apply_attr(fuse_req_t req, struct inode *inode, const struct stat *attr, int to_set)
{
    MIRROR struct mirror mirror = MIRROR_NONE;
    int error = 0;
    int store_dir;

    // The attributes that survive the mount are set first, because that can fail.
    if (to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
        error = mirror_begin_attributes(inode, &mirror);
    store_dir = mirror.at.fd;
    if (!error && (to_set & FUSE_SET_ATTR_MODE) && store_dir >= 0)
        error = set_inode_mode(inode, store_dir, attr->st_mode | mirror.besides);
    if (!error && (to_set & FUSE_SET_ATTR_MODE))
        error = set_inode_mode(inode, inode->fd, attr->st_mode);
    if (!error && (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) && store_dir >= 0)
        error = change_owner(req, inode, store_dir, attr, to_set);
    if (!error && (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)))
        error = change_owner(req, inode, inode->fd, attr, to_set);
    if (!error && (to_set & FUSE_SET_ATTR_SIZE))
        error = file_truncate(inode, attr->st_size, to_set & KILLS ? req : NULL);
    if (!error && (to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |
                             FUSE_SET_ATTR_MTIME_NOW)))
        error = set_inode_times(inode->fd, attr, to_set);
    if (to_set & ~FUSE_SET_ATTR_SIZE)
        inode_touched(inode, to_set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW));
    if (error)
        mirror_repair_attributes(&mirror, inode);
    return error;
}

static int apply_attr_once(fuse_req_t req, struct inode *inode, const struct stat *attr, int to_set)
{
    struct request *request = volume_request(inode->volume);
    int64_t result;

    if (!request_was_executed(request, &result)) {
        // With the page cache for writes the kernel keeps times, and tells the time of the change.
        result = (to_set & ~FUSE_SET_ATTR_CTIME) == 0 ? take_setid(req, inode)
                                                      : apply_attr(req, inode, attr, to_set);
        request_executed(request, result);
    }
    return (int)result;
}

/* Changes attributes of which the size is one, and nobody has opened the file for that. */
static int resize_once(fuse_req_t req, struct inode *inode, const struct stat *attr, int to_set)
{
    int error;

    file_keep(inode);
    error = apply_attr_once(req, inode, attr, to_set);
    file_let_go(inode);
    return error;
}

static bool is_immutable(const struct inode *inode)
{
    struct statx stx;

    return object_stat(inode->fd, &stx) == 0 && (stx.stx_attributes & STATX_ATTR_IMMUTABLE);
}

void op_setattr(fuse_req_t req, fuse_ino_t id, struct stat *attr, int to_set,
                struct fuse_file_info *fi)
{
    INODE struct inode inode = INODE_NONE;
    int error = inode_acquire(volume_of(req), id, &inode);

    // The kernel does not know of the flag; the area asks only who opens the file.
    if (!error && !fi && (to_set & FUSE_SET_ATTR_SIZE) && is_immutable(&inode))
        error = -EPERM;
    if (!error)
        error = !fi && (to_set & FUSE_SET_ATTR_SIZE) ? resize_once(req, &inode, attr, to_set)
                                                     : apply_attr_once(req, &inode, attr, to_set);
    // The file may have been truncated all the same, and has then no room for its reserve.
    if (error && inode.volume && (to_set & FUSE_SET_ATTR_SIZE))
        attr_invalidate(inode.volume, id);
    if (error)
        reply_err(req, -error);
    else
        reply_inode_attr(req, &inode, true);
}

/* Provides a descriptor for flags. The kernel has opened the file or directory, and keeps it open
 * meanwhile; what is open already need not be readable any more. */
static int begin_flags(struct inode *inode, struct file_io *io)
{
    uint64_t since = 0;
    int error;

    if (inode_is_regular(inode)) {
        error = file_io_begin(inode, false, io);
        return error == -EACCES ? file_io_begin(inode, true, io) : error;
    }
    do
        io->fd = object_reopen(inode->fd, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
    while (descriptors_await_room(inode->volume, &io->fd, &since));
    return io->fd < 0 ? io->fd : 0;
}

/* Gives the mirror of a directory, if there is one, the flags that this one has now. */
static int set_mirror_flags(struct inode *inode, int fd)
{
    MIRROR struct mirror mirror = MIRROR_NONE;
    int error = mirror_begin(inode, &mirror);
    CLEANUP_FD int mirror_fd = -1;

    if (error || !mirror_has_names(&mirror))
        return error;
    mirror_fd = object_reopen(mirror.at.fd, O_RDONLY | O_DIRECTORY);
    if (mirror_fd < 0)
        return mirror_fd;
    COPY_ATTRIBUTES(&inode->volume->info.cred);
    return flags_copy(fd, mirror_fd);
}

/* The kernel has checked the caller, by the flags that it was told before. The area does it again:
 * the daemon has a caller's rights here, and not its own. */
static int set_flags(fuse_req_t req, struct inode *inode, int fd, unsigned command,
                     const void *value)
{
    struct volume *volume = inode->volume;
    bool root = fuse_req_ctx(req)->uid == 0;
    bool guards;
    int error = flags_check(fd, command, value, &guards);

    if (error)
        return error;
    // It is two directories, of which one may have no such flags, and the other is gone some day.
    if (inode_is_class_root(inode))
        return -EOPNOTSUPP;
    if (guards && !root)
        return -EPERM;
    // Commits are still to be written to the file.
    if (guards && inode_contents(inode))
        return -EOPNOTSUPP;
    // Pages that wait in FUSE's page cache could not be written any more.
    if (guards && !inode_is_passthrough(inode) && attr_find_writers(inode) != 0)
        return -EBUSY;
    error = impersonate_begin(volume, req, 0);
    if (error)
        return error;
    {
        SET_FLAGS(&volume->info.cred, root);
        error = flags_set(fd, command, value);
    }
    impersonate_end(volume, 0);
    return error ? error : set_mirror_flags(inode, fd);
}

static int set_flags_once(fuse_req_t req, struct inode *inode, int fd, unsigned command,
                          const void *value)
{
    struct request *request = volume_request(inode->volume);
    int64_t result;

    if (!request_was_executed(request, &result)) {
        result = set_flags(req, inode, fd, command, value);
        request_executed(request, result);
    }
    // The time of change is another, which the kernel does not expect.
    attr_invalidate(inode->volume, inode->ref.id);
    return (int)result;
}

// NOLINTNEXTLINE(readability-function-size): libfuse has so many parameters.
void op_ioctl(fuse_req_t req, fuse_ino_t id, unsigned command, void *address,
              struct fuse_file_info *fi, unsigned mode, const void *value, size_t size, size_t room)
{
    INODE struct inode inode = INODE_NONE;
    FILE_IO struct file_io io = FILE_IO_NONE;
    char present[FLAGS_VALUE_MAX];
    size_t bytes = 0;
    enum flags_access access = flags_command(command, &bytes);
    // The kernel itself names no address. Where a call has one, it is a client's as it stands,
    // which the kernel has not checked (before Linux 5.13).
    int error = address || bytes != (access == FLAGS_SET ? size : room) ? -ENOTTY : 0;

    (void)fi;
    (void)mode;
    if (!error && access == FLAGS_NONE)
        error = -ENOTTY;
    if (!error)
        error = inode_acquire(volume_of(req), id, &inode);
    if (!error)
        error = begin_flags(&inode, &io);
    if (!error)
        error = access == FLAGS_SET ? set_flags_once(req, &inode, io.fd, command, value)
                                    : flags_get(io.fd, command, present);
    if (error)
        reply_err(req, -error);
    else
        reply_ioctl(req, present, access == FLAGS_SET ? 0 : bytes);
}

void op_readlink(fuse_req_t req, fuse_ino_t id)
{
    INODE struct inode inode = INODE_NONE;
    char target[PATH_MAX + 1];
    ssize_t length;
    int error = inode_acquire(volume_of(req), id, &inode);

    if (!error) {
        length = readlinkat(inode.fd, "", target, sizeof(target));
        error = length < 0 ? -errno : length == sizeof(target) ? -ENAMETOOLONG : 0;
    }
    if (error) {
        reply_err(req, -error);
        return;
    }
    target[length] = '\0';
    reply_readlink(req, target);
}
