// SPDX-License-Identifier: BSD-2-Clause
/* Operations on attributes of files, and of the areas that they are in. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fs/ops/ops.h"
#include "fs/vfs/attr.h"
#include "fs/vfs/file.h"
#include "lib/object/object.h"

/* Replies with the attributes of an inode. After a change the kernel is not to keep them if further
 * changes may come unseen. */
static void reply_inode_attr(fuse_req_t req, struct inode *inode, bool changed)
{
    bool fleeting = changed && attr_changes_unseen(inode);
    struct statx stx;
    struct stat st;
    double timeout = 0;
    int error = attr_read(inode, &stx, fleeting ? NULL : &timeout);

    if (error) {
        reply_err(req, -error);
        return;
    }
    attr_to_stat(inode, &stx, &st);
    reply_attr(req, &st, timeout);
}

void op_getattr(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    INODE struct inode inode = INODE_NONE;
    int error = inode_acquire(volume_of(req), id, &inode);

    (void)fi;
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
    int error = inode_acquire(volume_of(req), id, &inode);

    (void)flags;
    (void)mask;
    (void)fi;
    if (!error)
        error = attr_read(&inode, &stx, &timeout);
    if (error) {
        reply_err(req, -error);
        return;
    }
    stx.stx_ino = inode_number(inode.ref.tree, inode.ref.ino);
    reply_statx(req, 0, &stx, timeout);
}

static int set_inode_mode(struct inode *inode, int fd, mode_t mode)
{
    // The kernel has decided whether the caller may set setgid.
    KEEP_SETID(&inode->volume->info.cred, mode & S_ISGID);

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

/* chown(2) to -1, -1 takes setuid and setgid away, and names no attribute. The kernel has not
 * looked whether the caller may do that. A stranger is not refused, because the same may come
 * before a write of one who may write to the file. */
static int take_setid(const struct inode *inode, uid_t caller)
{
    struct stat now;

    if (fstat(inode->fd, &now) != 0)
        return -errno;
    return caller == 0 || caller == now.st_uid ? set_inode_owner(inode->fd, &now, 0) : 0;
}

static int apply_attr(struct inode *inode, const struct stat *attr, int to_set)
{
    int store_dir = inode_is_class_root(inode) ? inode->ref.held.io_fd : -1;
    int error = 0;

    // The part of a class root that survives the mount is set first, because that can fail. There,
    // the class must stay readable for a daemon that is no more than the owner.
    if ((to_set & FUSE_SET_ATTR_MODE) && store_dir >= 0)
        error = set_inode_mode(inode, store_dir,
                               attr->st_mode | (inode->volume->info.cred.privileged ? 0 : S_IRUSR));
    if (!error && (to_set & FUSE_SET_ATTR_MODE))
        error = set_inode_mode(inode, inode->fd, attr->st_mode);
    if (!error && (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) && store_dir >= 0)
        error = set_inode_owner(store_dir, attr, to_set);
    if (!error && (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)))
        error = set_inode_owner(inode->fd, attr, to_set);
    if (!error && (to_set & FUSE_SET_ATTR_SIZE))
        error = file_truncate(inode, attr->st_size,
                              !(to_set & (FUSE_SET_ATTR_KILL_SUID | FUSE_SET_ATTR_KILL_SGID)));
    if (!error && (to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |
                             FUSE_SET_ATTR_MTIME_NOW)))
        error = set_inode_times(inode->fd, attr, to_set);
    return error;
}

static int apply_attr_once(struct inode *inode, const struct stat *attr, int to_set, uid_t caller)
{
    struct request *request = volume_request(inode->volume);
    int64_t result;

    if (!request_was_executed(request, &result)) {
        result = to_set == 0 ? take_setid(inode, caller) : apply_attr(inode, attr, to_set);
        request_executed(request, result);
    }
    return (int)result;
}

void op_setattr(fuse_req_t req, fuse_ino_t id, struct stat *attr, int to_set,
                struct fuse_file_info *fi)
{
    INODE struct inode inode = INODE_NONE;
    int error = inode_acquire(volume_of(req), id, &inode);

    (void)fi;
    if (!error)
        error = apply_attr_once(&inode, attr, to_set, fuse_req_ctx(req)->uid);
    if (error)
        reply_err(req, -error);
    else
        reply_inode_attr(req, &inode, true);
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

void op_statfs(fuse_req_t req, fuse_ino_t id)
{
    INODE struct inode inode = INODE_NONE;
    struct statvfs vfs;
    int error = inode_acquire(volume_of(req), id, &inode);

    if (!error && fstatvfs(inode.fd, &vfs) != 0)
        error = -errno;
    if (error)
        reply_err(req, -error);
    else
        reply_statfs(req, &vfs);
}
