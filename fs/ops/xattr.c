// SPDX-License-Identifier: BSD-2-Clause
/* Operations on extended attributes: those of the area, and control attributes
 * (control_xattr.h). */
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/xattr.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs/class/mirror.h"
#include "fs/inode/impersonate.h"
#include "fs/ops/control_xattr.h"
#include "fs/ops/ops.h"
#include "fs/ops/sync.h"
#include "fs/outage/reattach.h"
#include "fs/outage/store_watch.h"
#include "fs/process/upgrade.h"
#include "lib/api/shmap_reattach.h"
#include "lib/api/shmap_save.h"
#include "lib/object/object.h"
#include "lib/object/xattr.h"
#include "lib/process/threads.h"
#include "lib/sys/cleanup.h"

#define XATTR_ACCESS_ACL  "system.posix_acl_access"
#define XATTR_DEFAULT_ACL "system.posix_acl_default"

/* Returns whether a file's setgid bit is for the caller. */
static bool has_group(fuse_req_t req, int fd)
{
    struct statx stx;

    return object_stat(fd, &stx) == 0 && impersonate_has_group(req, stx.stx_gid);
}

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_acl(const char *name)
{
    return strcmp(name, XATTR_ACCESS_ACL) == 0 || strcmp(name, XATTR_DEFAULT_ACL) == 0;
}

/* Returns whether an attribute passes between clients and the area. The kernel has checked the
 * client's rights to these: CAP_SYS_ADMIN for trusted and security attributes (CAP_SETFCAP for
 * capabilities), the mode for user attributes, the owner for ACLs. All other names it leaves to the
 * filesystem, and that of the store would ask for the daemon's rights instead. */
static bool passes(const char *name)
{
    return begins(name, XATTR_USER_PREFIX) || begins(name, XATTR_SECURITY_PREFIX) ||
           begins(name, XATTR_TRUSTED_PREFIX) || is_acl(name);
}

/* Returns whether an attribute is a capability that a file is known to lack. The kernel asks for it
 * before the first write to a file, and before each change of its owner. In a private area it comes
 * through the mount or not at all. */
static bool is_known_absent(const struct inode *inode, const char *name)
{
    return area_kind(inode->ref.area)->is_private && (inode->ref.flags & NODE_WITHOUT_CAPABILITY) &&
           strcmp(name, XATTR_NAME_CAPS) == 0;
}

/* Returns whether an attribute is the ACL by which the kernel checks who may pass the mount's
 * root. */
static bool is_acl_of_root(uint64_t id, const char *name)
{
    return id == NODE_ROOT_ID && strcmp(name, XATTR_ACCESS_ACL) == 0;
}

/* Reads an attribute of the area. The kernel asks for ACLs to check a permission, and takes an area
 * that knows none for an error: a file without one is what that means. */
static ssize_t get_passed(const struct inode *inode, const char *name, char *value, size_t size)
{
    ssize_t length = xattr_get(inode->fd, name, value, size);

    if (length == -EOPNOTSUPP && is_acl(name))
        length = -ENODATA;
    if (!is_acl_of_root(inode->ref.id, name))
        return length;
    if (store_watch_is_outage((int)length))
        return store_watch_root_lacks_acl(inode->volume) ? -ENODATA : length;
    store_watch_note_acl(inode->volume, length == -ENODATA);
    return length;
}

static int set_on(fuse_req_t req, int fd, const char *name, const char *value, size_t size,
                  int flags)
{
    // An access ACL carries the bits of the mode. The kernel knows whether setting it takes setgid
    // away, but libfuse does not hand that on.
    bool access = strcmp(name, XATTR_ACCESS_ACL) == 0;
    bool keeps = access && has_group(req, fd);
    KEEP_SETID(&volume_of(req)->info.cred, keeps);

    // The thread may still have the identity of one who would keep it.
    if (access && !keeps)
        impersonate_none(volume_of(req));
    return xattr_set(fd, name, value, size, flags);
}

/* Returns whether an attribute was there before the request changed it, this time or an earlier
 * one. */
static bool existed(const struct inode *inode, const char *name)
{
    struct request *request = volume_request(inode->volume);
    const struct preimage *before = request_target(request);
    bool exists;

    if (before)
        return before->existed;
    exists = xattr_get(inode->fd, name, NULL, 0) >= 0;
    request_save_target(request, NULL, exists);
    return exists;
}

static int set_on_inode(fuse_req_t req, struct inode *inode, const char *name, const char *value,
                        size_t size, int flags)
{
    MIRROR struct mirror mirror = MIRROR_NONE;
    bool kept;
    int error;

    if (!memory_guard_take(inode->volume->memory, size))
        return -ENOSPC;
    if (is_acl_of_root(inode->ref.id, name))
        store_watch_note_acl(inode->volume, false);
    if (strcmp(name, XATTR_NAME_CAPS) == 0)
        node_flags(&inode->volume->nodes, &inode->ref, 0, NODE_WITHOUT_CAPABILITY);
    // If the request is repeated, an earlier attempt may have set the attribute.
    if ((flags & XATTR_CREATE) && !existed(inode, name) &&
        request_is_repeated(volume_request(inode->volume)))
        flags &= ~XATTR_CREATE;
    error = mirror_begin_attributes(inode, &mirror);
    kept = mirror.at.fd >= 0;
    if (!error && kept)
        error = set_on(req, mirror.at.fd, name, value, size, flags);
    if (!error)
        error = set_on(req, inode->fd, name, value, size, kept ? 0 : flags);
    inode_touched(inode, false);
    if (error)
        mirror_repair_attributes(&mirror, inode);
    return error;
}

static int remove_from_inode(struct inode *inode, const char *name)
{
    bool gone = existed(inode, name) && request_is_repeated(volume_request(inode->volume));
    MIRROR struct mirror mirror = MIRROR_NONE;
    int error = mirror_begin_attributes(inode, &mirror);

    if (!error && mirror.at.fd >= 0)
        error = xattr_remove(mirror.at.fd, name);
    if (!error || error == -ENODATA)
        error = xattr_remove(inode->fd, name);
    inode_touched(inode, false);
    if (error && error != -ENODATA)
        mirror_repair_attributes(&mirror, inode);
    return error == -ENODATA && gone ? 0 : error;
}

static int remove_control_xattr(struct inode *inode, uid_t uid, const char *name)
{
    struct request *request = volume_request(inode->volume);
    const struct preimage *before = request_target(request);
    int error;

    request_save_target(request, NULL, control_xattr_is_set(inode, name));
    error = control_xattr_remove(inode, uid, name);
    // If the request is repeated, an earlier attempt may have removed it.
    return error == -ENODATA && before && before->existed ? 0 : error;
}

/* Changes an attribute as a request wants, once. */
static int change_once(fuse_req_t req, struct inode *inode, const char *name, const char *value,
                       size_t size, int flags)
{
    struct request *request = volume_request(inode->volume);
    uid_t uid = fuse_req_ctx(req)->uid;
    int64_t result;

    if (request_was_executed(request, &result))
        return (int)result;
    if (!passes(name))
        result = -EOPNOTSUPP;
    else if (value && strcmp(name, SHMAP_XATTR_SAVE) == 0)
        result = save_files(req, inode, value, size);
    else if (control_xattr_is(name))
        result = value ? control_xattr_set(inode, uid, name, value, size)
                       : remove_control_xattr(inode, uid, name);
    else
        result = value ? set_on_inode(req, inode, name, value, size, flags)
                       : remove_from_inode(inode, name);
    if (result != UPGRADE_LATER)
        request_executed(request, result);
    return (int)result;
}

void op_setxattr(fuse_req_t req, fuse_ino_t id, const char *name, const char *value, size_t size,
                 int flags)
{
    INODE struct inode inode = INODE_NONE;
    int error = inode_acquire(volume_of(req), id, &inode);

    if (!error)
        error = change_once(req, &inode, name, value, size, flags);
    if (error == UPGRADE_LATER)
        reply_later(req);
    else
        reply_err(req, -error);
}

void op_removexattr(fuse_req_t req, fuse_ino_t id, const char *name)
{
    INODE struct inode inode = INODE_NONE;
    int error = inode_acquire(volume_of(req), id, &inode);

    if (!error)
        error = change_once(req, &inode, name, NULL, 0, 0);
    reply_err(req, -error);
}

/* Replies with a value, or with its size if the request asks for that. */
static void reply_xattr_value(fuse_req_t req, const char *value, ssize_t length, size_t size)
{
    if (length < 0)
        reply_err(req, (int)-length);
    else if (size == 0)
        reply_xattr(req, (size_t)length);
    else if ((size_t)length > size)
        reply_err(req, ERANGE);
    else
        reply_buf(req, value, (size_t)length);
}

/* Begins to go over to the store as it is mounted now, or finds the outcome of what an earlier
 * process has begun. Returns as reattach_begin() does; UPGRADE_LATER: another worker answers. */
static int begin_reattach(struct mount *mount)
{
    struct volume *volume = &mount->volume;
    struct request *request = volume_request(volume);
    const struct preimage *asked = request_source(request);
    struct node_key key = { .ino = state_outage(volume->state)->reattach.times };
    int error;

    if (asked && asked->key.ino != key.ino)
        return 0;
    if (volume_area(volume, AREA_STORE)->root < 0)
        return -ENXIO;
    if (*volume->info.survival || !request)
        return -EOPNOTSUPP;
    if (atomic_flag_test_and_set(&mount->upgrading))
        return -EAGAIN;
    request_save_source(request, &key, true);
    error = reattach_begin(volume);
    if (error) {
        atomic_flag_clear(&mount->upgrading);
        return error;
    }
    mount->handing_over = true;
    kill(getpid(), SIGHUP);
    return UPGRADE_LATER;
}

static void reattach_request(fuse_req_t req, size_t size)
{
    struct mount *mount = mount_of(req);
    const struct reattach *reattach = &state_outage(mount->volume.state)->reattach;
    uid_t caller = fuse_req_ctx(req)->uid;
    int result = caller == 0 || caller == mount->volume.info.owner ? begin_reattach(mount) : -EPERM;
    char value[64];

    if (result == UPGRADE_LATER) {
        reply_later(req);
        return;
    }
    snprintf(value, sizeof(value), "needless=%d found=%u lost=%u", result == REATTACH_NEEDLESS,
             result == 0 ? reattach->found : 0, result == 0 ? reattach->lost : 0);
    reply_xattr_value(req, value, result < 0 ? result : (ssize_t)strlen(value), size);
}

/* Begins with an attribute of the root that is answered later. Returns whether it is one. */
static bool begin_slow(fuse_req_t req, fuse_ino_t id, const char *name, size_t size)
{
    if (id != NODE_ROOT_ID)
        return false;
    if (strcmp(name, SHMAP_XATTR_SYNC) == 0)
        sync_request(req, AWAITED_SYNC, size);
    else if (strcmp(name, SHMAP_XATTR_SAVE) == 0)
        save_request(req, size);
    else if (strcmp(name, SHMAP_XATTR_REATTACH) == 0)
        reattach_request(req, size);
    else
        return false;
    return true;
}

void op_getxattr(fuse_req_t req, fuse_ino_t id, const char *name, size_t size)
{
    INODE struct inode inode = INODE_NONE;
    CLEANUP_FREE char *value = NULL;
    size_t room = size < XATTR_SIZE_MAX ? size : XATTR_SIZE_MAX;
    ssize_t length;

    if (is_acl_of_root(id, name) && store_watch_is_silent(volume_of(req)) &&
        store_watch_root_lacks_acl(volume_of(req))) {
        reply_err(req, ENODATA);
        return;
    }
    length = inode_acquire(volume_of(req), id, &inode);
    if (length == 0 && begin_slow(req, id, name, size))
        return;
    if (length == 0 && !passes(name)) {
        length = -EOPNOTSUPP;
    } else if (length == 0 && control_xattr_is(name)) {
        length = control_xattr_get(&inode, fuse_req_ctx(req), name, &value);
    } else if (length == 0 && is_known_absent(&inode, name)) {
        length = -ENODATA;
    } else if (length == 0) {
        value = room ? malloc(room) : NULL;
        length = room && !value ? -ENOMEM : get_passed(&inode, name, value, room);
    }
    reply_xattr_value(req, value, length, size);
}

/* Returns whether the caller has CAP_SYS_ADMIN, without which the kernel shows no trusted
 * attributes. A caller whom the daemon cannot see has not. */
static bool is_admin(fuse_req_t req)
{
    return thread_has_capability(fuse_req_ctx(req)->pid, CAP_SYS_ADMIN, false);
}

/* Removes the names that the caller must not see: trusted attributes unless the caller may,
 * control attributes, and what does not pass. Returns the length that is left. */
static ssize_t filter(fuse_req_t req, char *names, ssize_t length)
{
    enum { UNKNOWN, HIDDEN, SHOWN } trusted = UNKNOWN;
    ssize_t kept = 0;

    for (ssize_t at = 0; at < length;) {
        char *name = names + at;
        size_t size = strlen(name) + 1;
        bool shown = passes(name) && !control_xattr_is(name);

        if (shown && begins(name, XATTR_TRUSTED_PREFIX)) {
            if (trusted == UNKNOWN)
                trusted = is_admin(req) ? SHOWN : HIDDEN;
            shown = trusted == SHOWN;
        }
        at += (ssize_t)size;
        if (shown) {
            memmove(names + kept, name, size);
            kept += (ssize_t)size;
        }
    }
    return kept;
}

void op_listxattr(fuse_req_t req, fuse_ino_t id, size_t size)
{
    INODE struct inode inode = INODE_NONE;
    CLEANUP_FREE char *names = malloc(XATTR_LIST_MAX);
    ssize_t length = inode_acquire(volume_of(req), id, &inode);

    if (length == 0 && !names)
        length = -ENOMEM;
    if (length == 0) {
        length = xattr_list(inode.fd, names, XATTR_LIST_MAX);
        if (length >= 0)
            length = filter(req, names, length);
    }
    reply_xattr_value(req, names, length, size);
}
