// SPDX-License-Identifier: BSD-2-Clause
/* Locks, where the kernel forwards them, and closes of descriptors, which give some up. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "fs/locks/file_locks.h"
#include "fs/ops/ops.h"
#include "fs/util/clock.h"
#include "fs/vfs/file.h"

/* How long a request that would be refused waits for a RELEASE that a thread has. */
#define RELEASE_NANOSECONDS UINT64_C(1000000000)

static struct lock_request request_by(fuse_req_t req, fuse_ino_t id,
                                      const struct fuse_file_info *fi, enum lock_kind kind)
{
    const struct fuse_ctx *ctx = fuse_req_ctx(req);

    return (struct lock_request){
        .key = { .node = id, .owner = fi->lock_owner, .kind = kind },
        .opening = file_opening(fi),
        .writer = file_is_writer(fi),
        .process = (uint32_t)ctx->pid,
        .user = ctx->uid,
    };
}

/* Returns a request for a range. libfuse has made a length of the kernel's last byte. */
static struct lock_request request_for_range(fuse_req_t req, fuse_ino_t id,
                                             const struct fuse_file_info *fi,
                                             const struct flock *lock)
{
    struct lock_request request = request_by(req, id, fi, LOCK_OF_RANGES);

    request.type = lock->l_type;
    request.start = lock->l_start;
    request.end = lock->l_len == 0 ? LOCK_RANGE_END : lock->l_start + lock->l_len - 1;
    // Each thread of a client but the first has another number.
    if (lock->l_pid > 0)
        request.process = (uint32_t)lock->l_pid;
    return request;
}

/* Takes a lock, or says at once that somebody else has it. The last close(2) of an open file
 * returns before the daemon hears of it, and until then the locks of that are there. */
static int set_at_once(struct volume *volume, const struct lock_request *request)
{
    INODE struct inode inode = INODE_NONE;
    uint64_t end = clock_now() + RELEASE_NANOSECONDS;
    int error = inode_hold(volume, request->key.node, &inode);
    unsigned mark;

    if (error)
        return error;
    lock_take(&volume->releases.lock);
    mark = volume->releases.served;
    lock_release(&volume->releases.lock);
    do
        error = file_locks_set(volume, request, NULL);
    while (error == -EAGAIN && wait_for_release(&inode, &mark, end));
    return error;
}

static void set_lock(fuse_req_t req, const struct lock_request *request, bool waits)
{
    struct volume *volume = volume_of(req);
    const struct request *record = volume_request(volume);
    const struct fuse_in_header *header =
        waits && record ? state_received(volume->state, state_index(volume->state, record)) : NULL;
    int result = header ? file_locks_set(volume, request, header) : set_at_once(volume, request);

    if (result == FILE_LOCK_WAITS)
        reply_none(req);
    else
        reply_err(req, -result);
}

void op_getlk(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi, struct flock *lock)
{
    const struct lock_request request = request_for_range(req, id, fi, lock);
    struct flock found;
    int error = file_locks_test(volume_of(req), &request, &found);

    if (error)
        reply_err(req, -error);
    else
        reply_lock(req, &found);
}

void op_setlk(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi, struct flock *lock,
              int waits)
{
    const struct lock_request request = request_for_range(req, id, fi, lock);

    set_lock(req, &request, waits);
}

void op_flock(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi, int operation)
{
    struct lock_request request = request_by(req, id, fi, LOCK_OF_FILE);

    request.type = operation & LOCK_EX ? F_WRLCK : operation & LOCK_SH ? F_RDLCK : F_UNLCK;
    request.end = LOCK_RANGE_END;
    set_lock(req, &request, !(operation & LOCK_NB));
}

void op_flush(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct volume *volume = volume_of(req);
    INODE struct inode inode = INODE_NONE;
    int error;

    if (!volume_area(volume, AREA_STORE)->has_servers && !volume_forwards_locks(volume)) {
        reply_never_again(req);
        return;
    }
    // The writes have to reach the servers before others get the lock.
    error = inode_hold(volume, id, &inode);
    if (!error && inode_area(&inode)->has_servers)
        error = file_flush(&inode, fi);
    file_locks_owner_closed(volume, id, fi->lock_owner);
    reply_err(req, -error);
}
