// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/store_waits.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "fs/dispatch/request_kind.h"
#include "fs/outage/known_root.h"
#include "fs/outage/store_watch.h"
#include "fs/util/clock.h"
#include "fs/vfs/attr.h"

/* A request that takes longer than that may wait for a store that does not answer. */
#define LONG_NANOSECONDS UINT64_C(1000000000)

/* How often deferred requests are looked at when the store has become silent. */
#define DEFERRED_LOOKS 2

/* Returns whether the kernel has waited for the answer: the thread of the request may have answered
 * it just now. */
static bool send_raw(const struct volume *volume, uint64_t unique, int error, const void *body,
                     size_t size)
{
    struct fuse_out_header header = { .len = (uint32_t)(sizeof(header) + size),
                                      .error = -error,
                                      .unique = unique };
    struct iovec parts[] = { { &header, sizeof(header) }, { (void *)(uintptr_t)body, size } };

    return writev(volume->info.device, parts, size ? 2 : 1) >= 0;
}

static struct fuse_attr to_fuse_attr(const struct stat *st)
{
    return (struct fuse_attr){ .ino = st->st_ino,
                               .size = (uint64_t)st->st_size,
                               .blocks = (uint64_t)st->st_blocks,
                               .atime = (uint64_t)st->st_atim.tv_sec,
                               .mtime = (uint64_t)st->st_mtim.tv_sec,
                               .ctime = (uint64_t)st->st_ctim.tv_sec,
                               .atimensec = (uint32_t)st->st_atim.tv_nsec,
                               .mtimensec = (uint32_t)st->st_mtim.tv_nsec,
                               .ctimensec = (uint32_t)st->st_ctim.tv_nsec,
                               .mode = st->st_mode,
                               .nlink = (uint32_t)st->st_nlink,
                               .uid = st->st_uid,
                               .gid = st->st_gid,
                               .blksize = (uint32_t)st->st_blksize };
}

static void send_root(struct volume *volume, uint64_t unique)
{
    struct fuse_attr_out body = { .attr_valid = 0 };
    struct stat st;

    if (!store_watch_root(volume, &st))
        return;
    body.attr = to_fuse_attr(&st);
    send_raw(volume, unique, 0, &body, sizeof(body));
}

/* Answers a lookup of a class root. A lookup that the kernel does not hear of does not count. */
static void send_known_root(struct volume *volume, const struct parked_head *head)
{
    uint64_t id = known_root_find(volume, head->header.nodeid, (const char *)(&head->header + 1));
    INODE struct inode inode = INODE_NONE;
    struct fuse_entry_out body = { .nodeid = id };
    struct statx stx;
    struct stat st;

    if (id == 0 || known_root_look_up(volume, id, &inode, &stx) != 0)
        return;
    attr_to_stat(&inode, &stx, &st);
    body.attr = to_fuse_attr(&st);
    if (!send_raw(volume, head->header.unique, 0, &body, sizeof(body)))
        inode_unlookup(&inode);
}

static void send_statfs(struct volume *volume, uint64_t unique)
{
    struct store_look look;
    struct fuse_statfs_out body;

    // It is silent, and so this does not wait.
    store_watch_look(volume, &look);
    if (!look.known)
        return;
    body.st = (struct fuse_kstatfs){ .blocks = look.vfs.f_blocks,
                                     .bfree = look.vfs.f_bfree,
                                     .bavail = look.vfs.f_bavail,
                                     .files = look.vfs.f_files,
                                     .ffree = look.vfs.f_ffree,
                                     .bsize = (uint32_t)look.vfs.f_bsize,
                                     .frsize = (uint32_t)look.vfs.f_frsize,
                                     .namelen = (uint32_t)look.vfs.f_namemax };
    send_raw(volume, unique, 0, &body, sizeof(body));
}

/* Answers a request that waits, and would not have to any more. */
static bool answer_waiting(struct volume *volume, const struct parked_head *head)
{
    const struct fuse_in_header *header = &head->header;

    if (request_kind_of(volume, header) != REQUEST_RAM)
        return false;
    if (header->opcode == FUSE_GETATTR)
        send_root(volume, header->unique);
    else if (header->opcode == FUSE_STATFS)
        send_statfs(volume, header->unique);
    else if (header->opcode == FUSE_GETXATTR)
        send_raw(volume, header->unique, ENODATA, NULL, 0);
    else if (header->opcode == FUSE_LOOKUP)
        send_known_root(volume, head);
    else
        return false;
    return true;
}

/* Answers the request in a record. It may have been served meanwhile, and then another one may be
 * there. */
static void answer_record(struct store_wait *wait, struct admission *admission,
                          struct volume *volume, unsigned record)
{
    struct parked_head head;

    memcpy(&head, state_received(volume->state, record), sizeof(head));
    wait->tried = true;
    if (admission_still_serves(admission, record, wait->service))
        answer_waiting(volume, &head);
}

/* Answers deferred requests: once more after a moment, because one may just have been deferred. */
static void answer_deferred(struct store_waits *waits, struct admission *admission,
                            struct volume *volume)
{
    uint64_t now = clock_now();

    if (waits->looks >= DEFERRED_LOOKS || (waits->looks && now - waits->looked < LONG_NANOSECONDS))
        return;
    waits->looks++;
    waits->looked = now;
    admission_answer_deferred(admission, volume, answer_waiting);
}

/* Returns whether requests wait for long. */
static bool look_at_records(struct store_waits *waits, const struct admission *admission, bool *any)
{
    uint64_t now = clock_now();
    bool are_long = false;

    for (unsigned i = 0; i < REQUESTS; i++) {
        struct store_wait *wait = &waits->seen[i];
        uint64_t service = admission_waits_on_store(admission, i);

        if (wait->service != service)
            *wait = (struct store_wait){ .service = service, .since = now };
        are_long |= service && now - wait->since >= LONG_NANOSECONDS;
        *any |= service != 0;
    }
    return are_long;
}

bool store_waits_tick(struct store_waits *waits, struct admission *admission, struct volume *volume)
{
    bool any = false, works;

    // Where requests have no record it is not known what they wait for.
    if (volume->info.io_uring)
        return store_watch_tick(volume);
    if (look_at_records(waits, admission, &any))
        store_watch_suspect(volume);
    works = store_watch_tick(volume);
    if (!store_watch_is_silent(volume)) {
        waits->looks = 0;
        return any || works;
    }
    for (unsigned i = 0; i < REQUESTS; i++) {
        if (waits->seen[i].service && !waits->seen[i].tried)
            answer_record(&waits->seen[i], admission, volume, i);
    }
    answer_deferred(waits, admission, volume);
    return true;
}
