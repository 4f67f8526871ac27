// SPDX-License-Identifier: BSD-2-Clause
/*
 * When attributes may be cached.
 *
 * All changes come through the mount, so the kernel knows of them, but for one kind: a write
 * through a mapping of a passthrough file changes mtime, ctime and blocks of the backing file
 * alone. So the attributes of a file are not cached while it is open for writing, nor afterwards
 * while a mapping may still be there, which outlives the descriptor and the kernel's RELEASE. A
 * read lease (fcntl(2), F_SETLEASE) tells whether one is there: it is granted exactly when nobody
 * has the backing file open or mapped for writing.
 *
 * An opener with O_NONBLOCK would be turned away by the lease, short as it is. So the probe holds
 * the node's stripe, and only runs while no writer is counted; an open for writing counts itself
 * first and then passes through the stripe.
 *
 * An open may also come between reading the attributes and the kernel's receiving them. So the
 * order is: the node is marked as "the kernel has its attributes", then they are read, then sent.
 * An open for writing that finds the mark has the kernel drop the attributes, those under way
 * included (it counts versions). A lookup has read them before it knows the node. They are as good,
 * if the node can be marked and no mapping of any file was found to have ended meanwhile: nobody
 * can have had this one open or mapped for writing then.
 *
 * While attributes may change unseen the kernel asks for them each time, unless that is more than a
 * thousand times a second.
 *
 * Dropping attributes is not urgent (pending_invalidation.h).
 */
#include "fs/vfs/attr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "fs/inode/deferred_close.h"
#include "fs/inode/orphans.h"
#include "fs/util/clock.h"
#include "fs/vfs/size_notify.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

/* How long a caller waits for files that were closed before. */
#define CLOSING_NS UINT64_C(3000000000)

/* After this many requests in a row, each within that time of the last, an answer may be as old as
 * LAG_SECONDS; the kernel counts in its ticks, and takes up to two of them. */
#define STREAK            8
#define AGAIN_NANOSECONDS 1000000
#define LAG_SECONDS       0.001

/* When the attributes of a file that may change unseen were asked for, and how often in a row. This
 * is only a hint: two files may share an entry, and two threads may overwrite each other's. */
struct asked {
    _Atomic uint64_t node;
    _Atomic uint64_t time;
    _Atomic uint32_t streak;
};

#define ASKED_FILES 16

struct attr_poll {
    struct asked asked[ASKED_FILES];
};

int attr_init(struct volume *volume)
{
    volume->attr_poll = calloc(1, sizeof(*volume->attr_poll));
    return volume->attr_poll ? 0 : -ENOMEM;
}

void attr_destroy(struct volume *volume)
{
    free(volume->attr_poll);
    volume->attr_poll = NULL;
}

static struct timespec to_timespec(const struct statx_timestamp *time)
{
    return (struct timespec){ .tv_sec = time->tv_sec, .tv_nsec = time->tv_nsec };
}

void attr_to_stat(const struct inode *inode, const struct statx *stx, struct stat *st)
{
    memset(st, 0, sizeof(*st));
    st->st_ino = inode_number(inode->volume, inode->ref.tree, inode->ref.ino);
    st->st_mode = stx->stx_mode;
    st->st_nlink = stx->stx_nlink;
    st->st_uid = stx->stx_uid;
    st->st_gid = stx->stx_gid;
    st->st_rdev = makedev(stx->stx_rdev_major, stx->stx_rdev_minor);
    st->st_size = (off_t)stx->stx_size;
    st->st_blksize = (blksize_t)stx->stx_blksize;
    st->st_blocks = (blkcnt_t)stx->stx_blocks;
    st->st_atim = to_timespec(&stx->stx_atime);
    st->st_mtim = to_timespec(&stx->stx_mtime);
    st->st_ctim = to_timespec(&stx->stx_ctime);
}

/* Returns 1 if somebody has the backing file open or mapped for writing; 0: nobody; or a negative
 * errno: it cannot be known. */
static int probe_writers(const struct inode *inode)
{
    CLEANUP_FD int fd = object_reopen(inode->fd, O_RDONLY | O_NOATIME | O_NONBLOCK);

    if (fd < 0)
        return fd;
    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
        return 0;
    return errno == EAGAIN ? 1 : -errno;
}

static void probe_mappings(struct inode *inode)
{
    struct node_table *nodes = &inode->volume->nodes;
    struct lock *stripe = volume_stripe(inode->volume, &inode->ref);

    lock_take(stripe);
    node_refresh(nodes, &inode->ref);
    if (inode->ref.writers == 0 && (inode->ref.flags & NODE_MAYBE_MAPPED) &&
        probe_writers(inode) == 0) {
        // In this order: who sees the flag gone sees the count, too.
        inode->volume->mappings_ended++;
        node_flags(nodes, &inode->ref, 0, NODE_MAYBE_MAPPED);
    }
    lock_release(stripe);
}

bool attr_mapping_writes(struct inode *inode)
{
    struct lock *stripe = volume_stripe(inode->volume, &inode->ref);
    bool writes;

    lock_take(stripe);
    node_refresh(&inode->volume->nodes, &inode->ref);
    writes = inode->ref.writers == 0 && (inode->ref.flags & NODE_MAYBE_MAPPED) &&
             inode->ref.held.io_fd < 0 && probe_writers(inode) == 1;
    lock_release(stripe);
    return writes;
}

int attr_find_writers(struct inode *inode)
{
    struct volume *volume = inode->volume;
    uint64_t since = clock_now();
    int on_its_way = 1;
    bool writes, closing;

    while ((writes = attr_mapping_writes(inode) || inode->ref.writers > 0) && on_its_way == 1 &&
           clock_now() - since < CLOSING_NS) {
        closing = deferred_close_count(volume) > 0;
        on_its_way = orphans_await_close(volume, closing, since);
    }
    return !writes ? 0 : on_its_way == 0 ? 1 : -EAGAIN;
}

bool attr_changes_unseen(const struct inode *inode)
{
    return inode_is_regular(inode) && inode_is_passthrough(inode);
}

/* Returns how long the kernel may keep the attributes of a file that may change unseen: for a
 * moment if they are asked for again and again, as a database does before each query. */
static double timeout_while_open(struct inode *inode)
{
    struct asked *asked = &inode->volume->attr_poll->asked[inode->ref.id % ASKED_FILES];
    uint64_t time = clock_now();
    bool again = asked->node == inode->ref.id && time - asked->time < AGAIN_NANOSECONDS;

    asked->node = inode->ref.id;
    asked->time = time;
    asked->streak = again ? asked->streak + 1 : 0;
    return asked->streak > STREAK ? LAG_SECONDS : 0;
}

bool attr_may_change(struct inode *inode)
{
    struct node_table *nodes = &inode->volume->nodes;

    node_refresh(nodes, &inode->ref);
    if (inode->ref.writers == 0 && (inode->ref.flags & NODE_MAYBE_MAPPED) && inode->fd >= 0) {
        probe_mappings(inode);
        node_refresh(nodes, &inode->ref);
    }
    return inode->ref.writers > 0 || (inode->ref.flags & NODE_MAYBE_MAPPED);
}

/* Returns whether a file need not be probed yet. Where servers keep it a probe is an open, of which
 * all of them hear; and most files that were written are asked about once, before they are opened,
 * replaced or removed. */
static bool can_wait_for_probe(struct inode *inode)
{
    return inode_area(inode)->has_servers && inode->ref.writers == 0 &&
           (inode->ref.flags & NODE_MAYBE_MAPPED) &&
           node_ask_first(&inode->volume->nodes, &inode->ref);
}

static double timeout_of(struct inode *inode)
{
    struct volume *volume = inode->volume;

    if (!attr_changes_unseen(inode))
        return volume_timeout(volume);
    // The open or whatever comes next need not ask again, unless nothing is to be kept at all.
    if (can_wait_for_probe(inode))
        return volume_timeout(volume) > 0 ? LAG_SECONDS : 0;
    attr_may_change(inode);
    return node_flags_unless_writers(&volume->nodes, &inode->ref, NODE_ATTR_CACHED,
                                     NODE_MAYBE_MAPPED)
               ? volume_timeout(volume)
               : timeout_while_open(inode);
}

int attr_read(struct inode *inode, struct statx *stx, double *timeout)
{
    int error;

    if (timeout)
        *timeout = timeout_of(inode);
    error = inode_stat(inode, inode->fd, stx);
    size_notify_wait(inode);
    return error;
}

uint64_t attr_mark(const struct volume *volume)
{
    return volume->mappings_ended;
}

int attr_confirm(struct inode *inode, uint64_t mark, struct statx *stx, double *timeout)
{
    int error;

    *timeout = timeout_of(inode);
    // Without a time, they count for this answer alone.
    if (!inode->volume->state->file_classes &&
        (!attr_changes_unseen(inode) || *timeout == 0 || inode->volume->mappings_ended == mark)) {
        inode_overlay(inode, stx);
        return 0;
    }
    error = inode_need_fd(inode);
    return error ? error : inode_stat(inode, inode->fd, stx);
}

void attr_invalidate(struct volume *volume, uint64_t id)
{
    fuse_lowlevel_notify_inval_inode(volume->session, id, -1, 0);
}
