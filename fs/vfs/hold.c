// SPDX-License-Identifier: BSD-2-Clause
#include "fs/vfs/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/nodes/node_fd.h"
#include "fs/util/clock.h"
#include "fs/util/event.h"
#include "fs/util/fault.h"
#include "fs/util/fork.h"
#include "fs/util/ticker.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/mounts.h"

/* After so long without a WRITE there are none, where none is to be seen, and where the queue is
 * never seen empty. */
#define QUIET_NANOSECONDS  UINT64_C(200000000)
#define UNSEEN_NANOSECONDS UINT64_C(5000000000)

/* As long as a slow disk may take for what the machine's limits let wait. */
#define FINISH_MILLISECONDS 60000

/* The first kernel that waits for the daemon by itself. */
#define WAITS_MAJOR 6
#define WAITS_MINOR 16

struct hold {
    int released;         // an eventfd
    atomic_bool detached; // nothing is mounted any more, as far as can be seen from here
    atomic_bool hurry;    // processes that still have files open are not waited for
    // Of the ticker alone:
    uint64_t quiet_since;
    uint32_t writes_seen;
};

int hold_init(struct volume *volume)
{
    volume->hold = calloc(1, sizeof(*volume->hold));
    if (!volume->hold)
        return -ENOMEM;
    volume->hold->released = -1;
    return 0;
}

void hold_destroy(struct volume *volume)
{
    if (volume->hold && volume->hold->released >= 0)
        close(volume->hold->released);
    free(volume->hold);
    volume->hold = NULL;
}

/* Returns whether the kernel writes back from copies, which nobody waits for. */
static bool kernel_is_hasty(void)
{
    struct utsname name;
    unsigned major, minor;

    if (fault_hasty_kernel())
        return true;
    if (uname(&name) != 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2)
        return false;
    return major < WAITS_MAJOR || (major == WAITS_MAJOR && minor < WAITS_MINOR);
}

static int pick(const struct volume *volume)
{
    CLEANUP_FD int root = open(volume->info.mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct statx stx;
    int fd;

    // The kernel alone can answer: nobody serves the mount yet.
    if (root < 0 || statx(root, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &stx) != 0)
        return -errno;
    if (makedev(stx.stx_dev_major, stx.stx_dev_minor) != volume->info.device_number)
        return -ENOENT;
    fd = fspick(root, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);
    return fd < 0 ? -errno : fd;
}

/* A user that may not do that may in a mount namespace of its own. The descriptor outlives it. */
static int pick_in_namespace(const struct volume *volume)
{
    int namespace = volume->info.areas[AREA_RAM].user_namespace;
    int fd = -EPERM;
    int ends[2];
    pid_t child;

    if (namespace < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return -EPERM;
    child = fork_sharing_descriptors();
    if (child == 0) {
        if (setns(namespace, CLONE_NEWUSER) == 0 && unshare(CLONE_NEWNS) == 0)
            fd = pick(volume);
        _exit(write(ends[1], &fd, sizeof(fd)) == sizeof(fd) ? 0 : 1);
    }
    if (child < 0 || waitpid(child, NULL, 0) != child ||
        read(ends[0], &fd, sizeof(fd)) != sizeof(fd))
        fd = -EPERM;
    close(ends[0]);
    close(ends[1]);
    return fd;
}

/* Returns whether data of an area that outlives the mount is in FUSE's page cache. */
static bool caches_what_lasts(const struct volume *volume)
{
    for (unsigned area = 0; area < AREAS_OF_MOUNT; area++) {
        if (area_kind(area)->lasts && volume->info.areas[area].root >= 0 &&
            !volume->info.data_paths[area].passthrough)
            return true;
    }
    return volume->state->caches_class != 0;
}

void hold_take(struct volume *volume)
{
    uint64_t handle;
    int fd;

    volume->info.hasty_writeback = caches_what_lasts(volume) && kernel_is_hasty();
    if (!volume->info.hasty_writeback)
        return;
    fd = pick(volume);
    if (fd == -EPERM)
        fd = pick_in_namespace(volume);
    if (fd < 0)
        return;
    // By a handle it is closed once, whichever process dies meanwhile.
    handle = node_dir_open(&volume->nodes, NULL, fd);
    if (handle == NODE_STREAM_NONE)
        close(fd);
    else
        state_set_hold(volume->state, handle);
}

void hold_begin(struct volume *volume)
{
    if (volume->state->hold)
        volume->hold->released = eventfd(0, EFD_CLOEXEC);
}

void hold_detached(struct volume *volume)
{
    struct hold *hold = volume->hold;

    if (!volume->state->hold || hold->detached)
        return;
    hold->detached = true;
    ticker_wake(volume->ticker);
}

void hold_file_closed(struct volume *volume)
{
    if (volume->hold->detached)
        ticker_wake(volume->ticker);
}

static void release_hold(struct volume *volume)
{
    int fd = node_dir_close(&volume->nodes, NULL, volume->state->hold);

    volume->state->hold = 0;
    if (fd >= 0)
        close(fd);
    event_signal(volume->hold->released);
}

/* Returns whether a WRITE may be under way. It looks in the order in which one moves: in the
 * kernel's queue, which is not empty while more wait behind it; on its way to a record; parked; in
 * a record until its answer was sent. */
static bool is_write_under_way(const struct volume *volume)
{
    struct pollfd queue = { .fd = volume->info.device, .events = POLLIN };

    if (poll(&queue, 1, 0) != 0 || volume->reading > 0)
        return true;
    if (parking_next(&volume->parking, 0) >= 0)
        return true;
    for (unsigned i = 0; i < REQUESTS; i++) {
        const struct fuse_in_header *header = state_received(volume->state, i);

        if (__atomic_load_n(&header->len, __ATOMIC_ACQUIRE) != 0 &&
            __atomic_load_n(&header->opcode, __ATOMIC_RELAXED) == FUSE_WRITE)
            return true;
    }
    return false;
}

/* Returns whether no WRITE came for a while, and none is to be seen at two looks in a row: an
 * answer can move the next one into the queue behind the back of the first. Others who keep the
 * queue from being empty are no reason to wait for long. */
static bool is_quiet(struct volume *volume)
{
    const struct life *life = &volume->state->life;
    struct hold *hold = volume->hold;
    uint32_t begun = life->writes_begun;
    bool seen = false;
    uint64_t quiet;

    for (int looks = 2; looks > 0 && !seen; looks--)
        seen = is_write_under_way(volume);
    if (begun != hold->writes_seen || begun != life->writes_begun || begun != life->writes_ended ||
        !hold->quiet_since)
        hold->quiet_since = clock_now();
    hold->writes_seen = begun;
    quiet = clock_now() - hold->quiet_since;
    return quiet > (seen ? UNSEEN_NANOSECONDS : QUIET_NANOSECONDS);
}

bool hold_tick(struct volume *volume)
{
    const struct hold *hold = volume->hold;
    bool counted;

    if (!hold->detached || !volume->state->hold)
        return false;
    // After a death an open that nobody has may stay counted.
    counted = !hold->hurry && volume->state->life.restarts == 0;
    if (node_table_counts(&volume->nodes).opens > 0 && (counted || !is_quiet(volume)))
        return !counted;
    release_hold(volume);
    return false;
}

void hold_finish(struct volume *volume, int ended)
{
    struct pollfd events[] = { { .fd = volume->hold->released, .events = POLLIN },
                               { .fd = ended, .events = POLLIN } };

    if (!mounts_have_device(volume->info.device_number))
        hold_detached(volume);
    if (!volume->hold->detached || !volume->state->hold)
        return;
    volume->hold->hurry = true;
    ticker_wake(volume->ticker);
    poll(events, 2, FINISH_MILLISECONDS);
}
