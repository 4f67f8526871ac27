// SPDX-License-Identifier: BSD-2-Clause
#include "fs/ops/reply.h"

#include <errno.h>

#include "fs/inode/inode.h"
#include "fs/mount/mount.h"
#include "fs/notice/passed_error.h"
#include "fs/util/fault.h"

static struct volume *begin_reply(fuse_req_t req)
{
    struct volume *volume = volume_of(req);
    struct request *request = volume_request(volume);

    // Before the client has it, and may kill the process.
    if (request)
        atomic_fetch_add_explicit(&request->answers, 1, memory_order_relaxed);
    request_answer(request);
    return volume;
}

static int end_reply(struct volume *volume, int result)
{
    fault_point(FAULT_AFTER_REPLY);
    life_answered(&volume->state->life);
    return result;
}

/* Returns whether what a request names has gone from a store that other hosts change. */
static bool names_what_is_gone(struct volume *volume)
{
    const struct request *request = volume_request(volume);
    const struct fuse_in_header *received =
        request ? state_received(volume->state, state_index(volume->state, request)) : NULL;
    INODE struct inode inode = INODE_NONE;

    return received && received->len > 0 &&
           (inode_acquire(volume, received->nodeid, &inode) != 0 || inode_is_gone(&inode));
}

int reply_err(fuse_req_t req, int error)
{
    struct volume *volume = volume_of(req);

    // The kernel looks the whole path up anew, and comes back if it leads to something.
    if (error == ENOENT && volume_is_shared(volume) && names_what_is_gone(volume))
        error = ESTALE;
    begin_reply(req);
    return end_reply(volume, fuse_reply_err(req, passed_error(error)));
}

int reply_never_again(fuse_req_t req)
{
    struct volume *volume = begin_reply(req);

    return end_reply(volume, fuse_reply_err(req, ENOSYS));
}

int reply_entry(fuse_req_t req, const struct fuse_entry_param *entry)
{
    struct volume *volume = begin_reply(req);

    return end_reply(volume, fuse_reply_entry(req, entry));
}

int reply_create(fuse_req_t req, const struct fuse_entry_param *entry,
                 const struct fuse_file_info *fi)
{
    struct volume *volume = begin_reply(req);

    return end_reply(volume, fuse_reply_create(req, entry, fi));
}

int reply_attr(fuse_req_t req, const struct stat *st, double timeout)
{
    struct volume *volume = begin_reply(req);

    return end_reply(volume, fuse_reply_attr(req, st, timeout));
}

int reply_statx(fuse_req_t req, int flags, struct statx *stx, double timeout)
{
    struct volume *volume = begin_reply(req);

    return end_reply(volume, fuse_reply_statx(req, flags, stx, timeout));
}

int reply_readlink(fuse_req_t req, const char *target)
{
    struct volume *volume = begin_reply(req);

    return end_reply(volume, fuse_reply_readlink(req, target));
}

int reply_open(fuse_req_t req, const struct fuse_file_info *fi)
{
    struct volume *volume = begin_reply(req);

    return end_reply(volume, fuse_reply_open(req, fi));
}

int reply_write(fuse_req_t req, size_t count)
{
    struct volume *volume = begin_reply(req);

    return end_reply(volume, fuse_reply_write(req, count));
}

int reply_buf(fuse_req_t req, const char *data, size_t size)
{
    struct volume *volume = begin_reply(req);

    return end_reply(volume, fuse_reply_buf(req, data, size));
}

int reply_data(fuse_req_t req, struct fuse_bufvec *data)
{
    struct volume *volume = begin_reply(req);

    return end_reply(volume, fuse_reply_data(req, data, 0));
}

int reply_lock(fuse_req_t req, const struct flock *lock)
{
    struct volume *volume = begin_reply(req);

    return end_reply(volume, fuse_reply_lock(req, lock));
}

int reply_statfs(fuse_req_t req, const struct statvfs *vfs)
{
    struct volume *volume = begin_reply(req);

    return end_reply(volume, fuse_reply_statfs(req, vfs));
}

int reply_ioctl(fuse_req_t req, const void *value, size_t size)
{
    struct volume *volume = begin_reply(req);

    return end_reply(volume, fuse_reply_ioctl(req, 0, value, size));
}

int reply_xattr(fuse_req_t req, size_t size)
{
    struct volume *volume = begin_reply(req);

    return end_reply(volume, fuse_reply_xattr(req, size));
}

int reply_lseek(fuse_req_t req, off_t offset)
{
    struct volume *volume = begin_reply(req);

    return end_reply(volume, fuse_reply_lseek(req, offset));
}

void reply_none(fuse_req_t req)
{
    fuse_reply_none(req);
}

void reply_later(fuse_req_t req)
{
    request_hand_off(volume_request(volume_of(req)));
    fuse_reply_none(req);
}
