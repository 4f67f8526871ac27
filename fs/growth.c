// SPDX-License-Identifier: BSD-2-Clause
#include "growth.h"

#include <errno.h>
#include <linux/fuse.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "log.h"

/* How often others are let run before whoever waits goes on without. The kernel takes some
 * microseconds, unless a page has to be read at that moment. */
#define PATIENCE 1000

/* With io_uring the thread that would wait may be the one that the page waits for, so there it stays as
 * the kernel does it; with writeback the kernel believes nobody but itself about sizes. */
static bool concerns(const struct inode *inode)
{
    const struct facts *facts = &inode->mount->facts;

    return !facts->io_uring && !facts->writeback && !facts->data_paths[inode->ref.area].passthrough;
}

static off_t pages(off_t size)
{
    off_t page = sysconf(_SC_PAGESIZE);

    return (size + page - 1) / page;
}

/* One at a time: a page that the kernel waits for takes another thread to be read. */
static bool take_turn(struct mount *mount, uint64_t node)
{
    for (int i = 0; i < PATIENCE; i++) {
        uint64_t nobody = 0;

        if (atomic_compare_exchange_strong(&mount->growing, &nobody, node))
            return true;
        sched_yield();
    }
    return false;
}

struct growth growth_begin(const struct inode *inode, int fd, off_t size)
{
    struct growth growth = { .node = inode->ref.id };
    struct stat st;

    // Within the last page that there is, nobody gets SIGBUS; and it could be locked.
    if (concerns(inode) && fstat(fd, &st) == 0 && pages(size) > pages(st.st_size) &&
        take_turn(inode->mount, growth.node))
        growth.mount = inode->mount;
    return growth;
}

static void announce(const struct growth *growth, off_t size)
{
    struct fuse_notify_store_out store = {
        .nodeid = growth->node,
        .offset = (uint64_t)size - 1,
        .size = 1,
    };
    struct fuse_out_header header = {
        .len = sizeof(header) + sizeof(store) + 1,
        .error = FUSE_NOTIFY_STORE,
    };
    struct iovec parts[] = {
        { &header, sizeof(header) }, { &store, sizeof(store) }, { NULL, 1 }, // where nothing is
    };

    // Without the C library, whose checks in a sanitizer's build would not let this pass. ENOENT: the
    // kernel has forgotten the file.
    if (syscall(SYS_writev, growth->mount->facts.device, parts, sizeof(parts) / sizeof(parts[0])) <
            0 &&
        errno != EFAULT && errno != ENOENT)
        log_event(LOG_WARNING, "the kernel was not told that a file grows: %s", strerror(errno));
}

void growth_end(const struct growth *growth, off_t size, bool grown)
{
    if (!growth->mount)
        return;
    if (grown)
        announce(growth, size);
    atomic_store(&growth->mount->growing, 0);
}

void growth_settle(const struct inode *inode)
{
    for (int i = 0; i < PATIENCE && atomic_load(&inode->mount->growing) == inode->ref.id; i++)
        sched_yield();
}
