// SPDX-License-Identifier: BSD-2-Clause
#include "fs/vfs/size_notify.h"

#include <errno.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/util/clock.h"
#include "fs/util/log.h"

/* For how long anybody waits for the kernel to be told. It takes some microseconds on an idle machine; if a
 * page has to be read at that moment, which over io_uring the waiting thread itself would have to do, the size
 * is known all the same. */
#define WAIT_MS 900

/* What the one who tells needs, on its own stack: whoever started it may be gone before. */
struct news {
    int device;
    struct fuse_out_header header;
    struct fuse_notify_store_out store;
};
#define STACK_BYTES (64UL << 10)

/* With writeback the kernel believes nobody but itself about sizes. */
static bool concerns(const struct inode *inode)
{
    const struct facts *facts = &inode->mount->facts;

    return !facts->writeback && !facts->data_paths[inode->ref.area].passthrough;
}

static off_t pages(off_t size)
{
    off_t page = sysconf(_SC_PAGESIZE);

    return (size + page - 1) / page;
}

static _Atomic unsigned *under_way(struct mount *mount, uint64_t node)
{
    return &mount->growth.under_way[node % GROWTH_STRIPES];
}

struct growth growth_begin(const struct inode *inode, int fd, off_t size)
{
    struct growth growth = { .node = inode->ref.id };
    struct stat st;

    // Within the last page that there is, nobody gets SIGBUS.
    if (concerns(inode) && fstat(fd, &st) == 0 && pages(size) > pages(st.st_size)) {
        growth.mount = inode->mount;
        atomic_fetch_add(under_way(growth.mount, growth.node), 1);
    }
    return growth;
}

/* A process of its own, but for memory and descriptors: not for a sanitizer, which takes it for a thread. */
__attribute__((no_sanitize("address", "undefined", "thread"))) static int tell(void *argument)
{
    struct news *news = argument;
    struct iovec parts[] = {
        { &news->header, sizeof(news->header) },
        { &news->store, sizeof(news->store) },
        { NULL, 1 }, // where nothing is
    };

    // Without the C library, whose checks in a sanitizer's build would not let this pass.
    syscall(SYS_writev, news->device, parts, 3);
    syscall(SYS_exit, 0);
    return 0;
}

static void announce(const struct growth *growth, off_t size)
{
    char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    struct news *news = (struct news *)(void *)stack;
    struct pollfd end = { .fd = -1, .events = POLLIN };
    siginfo_t info;

    if (stack == MAP_FAILED)
        return;
    *news = (struct news){
        .device = growth->mount->facts.device,
        .header = { .len = sizeof(news->header) + sizeof(news->store) + 1,
                    .error = FUSE_NOTIFY_STORE },
        .store = { .nodeid = growth->node, .offset = (uint64_t)size - 1, .size = 1 },
    };
    if (clone(tell, stack + STACK_BYTES, CLONE_VM | CLONE_FILES | CLONE_PIDFD, news, &end.fd) < 0) {
        log_event(LOG_WARNING, "the kernel was not told that a file grows: %s", strerror(errno));
        munmap(stack, STACK_BYTES);
        return;
    }
    // If it takes longer, its memory is left to it.
    if (poll(&end, 1, WAIT_MS) == 1 && waitid(P_PIDFD, (id_t)end.fd, &info, WEXITED | __WALL) == 0)
        munmap(stack, STACK_BYTES);
    close(end.fd);
}

void growth_end(const struct growth *growth, off_t size, bool grown)
{
    struct mount *mount = growth->mount;

    if (!mount)
        return;
    if (grown)
        announce(growth, size);
    pthread_mutex_lock(&mount->growth.mutex);
    atomic_fetch_sub(under_way(mount, growth->node), 1);
    pthread_cond_broadcast(&mount->growth.told);
    pthread_mutex_unlock(&mount->growth.mutex);
}

void growth_settle(const struct inode *inode)
{
    struct mount *mount = inode->mount;
    _Atomic unsigned *count = under_way(mount, inode->ref.id);
    struct timespec limit;
    int error = 0;

    if (atomic_load(count) == 0)
        return;
    limit = clock_deadline(WAIT_MS * 1000000L);
    pthread_mutex_lock(&mount->growth.mutex);
    while (error == 0 && atomic_load(count) > 0)
        error = pthread_cond_timedwait(&mount->growth.told, &mount->growth.mutex, &limit);
    pthread_mutex_unlock(&mount->growth.mutex);
}
