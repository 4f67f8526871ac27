// SPDX-License-Identifier: BSD-2-Clause
#include "fs/process/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/dispatch/server.h"
#include "fs/journal/volume_journal.h"
#include "fs/lifetime/last_close.h"
#include "fs/locks/file_locks.h"
#include "fs/mount/connection.h"
#include "fs/mount/damage.h"
#include "fs/mount/mountpoint.h"
#include "fs/mount/session.h"
#include "fs/mount/store_setup.h"
#include "fs/mount/syscall_filter.h"
#include "fs/nodes/node_fd.h"
#include "fs/outage/reattach.h"
#include "fs/process/background.h"
#include "fs/process/upgrade.h"
#include "fs/process/watchdog.h"
#include "fs/sync/saver.h"
#include "fs/sync/sync_child.h"
#include "fs/util/event.h"
#include "fs/util/fault.h"
#include "fs/util/log.h"
#include "fs/vfs/hold.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/mounts.h"

/* How often a worker looks for what holds a mount that was unmounted. On a busy machine the umount
 * itself may still be under way. So until the last look a worker speaks only of a holder that it
 * has found. */
#define HOLDER_MILLISECONDS 1000
#define HOLDER_LOOKS        10

/* How long a worker waits for requests under way before another binary goes on with them. */
#define HANDOVER_MILLISECONDS 1000

struct worker {
    struct mount *mount;
    const struct keeper_fds *keeper; // NULL: there is none
    int signals;
    int ready;         // for background_ready()
    bool left_alone;   // the keeper was killed
    bool out_of_sight; // the mount is not mounted any more, as far as can be seen from here
    unsigned looks;    // left for what makes it live on; 0: it was told
    struct server server;
};

/* Ends the mount in good order. Its users keep the threads waiting, for ever perhaps; so nothing is
 * destroyed, and the end of the process ends the connection. */
static int end_mount(struct worker *worker)
{
    struct volume *volume = &worker->mount->volume;

    hold_finish(volume, worker->server.ended);
    sync_child_end(volume);
    return WORKER_DETACHED;
}

/* Lets the requests under way come to their end, as far as they do in time. Later requests, and
 * those that take longer, are for the next worker. */
static int hand_over(struct worker *worker)
{
    server_leave(&worker->server, HANDOVER_MILLISECONDS);
    return reattach_is_begun(&worker->mount->volume) ? WORKER_RENEWED : WORKER_HANDOVER;
}

/* Leaves the requests to another keeper's workers, if there is a keeper, which asks for that. */
static int yield_to_other(struct worker *worker)
{
    int status = worker->keeper ? hand_over(worker) : end_mount(worker);

    // A handover that somebody waits for comes first.
    return !worker->keeper || worker->mount->handing_over ? status : WORKER_YIELDED;
}

/* Obeys a signal. Returns a worker_status if the signal ends the process, otherwise -1. */
static int obey_signal(struct worker *worker, const struct signalfd_siginfo *info)
{
    // A worker ignores signals from others. But the memory says whether the mount is to end: the
    // keeper's signal may have merged with somebody else's that came just before.
    bool ours = !worker->keeper || (pid_t)info->ssi_pid == getpid() ||
                (pid_t)info->ssi_pid == worker->mount->volume.state->life.keeper;

    if (!ours && !worker->mount->volume.state->life.ending)
        return -1;
    switch (info->ssi_signo) {
    case SIGTERM:
    case SIGINT:
        return end_mount(worker);
    case SIGHUP:
        if (!worker->keeper)
            return end_mount(worker);
        return upgrade_begin(worker->mount) == 0 ? hand_over(worker) : -1;
    case SIGUSR1:
        return yield_to_other(worker);
    default:
        return -1;
    }
}

/* Looks whether the mount is still there. It may live on where that cannot be seen. */
static void see_mounts(struct worker *worker)
{
    struct mount *mount = worker->mount;

    if (worker->out_of_sight || mounts_have_device(mount->volume.info.device_number))
        return;
    worker->out_of_sight = true;
    hold_detached(&mount->volume);
}

/* Deals with a mount that was unmounted. Returns a worker_status if it ends, otherwise -1. */
static int outlive_mount(struct worker *worker, bool waited)
{
    struct volume *volume = &worker->mount->volume;
    pid_t keeper = volume->state->life.keeper;

    if (volume->state->umount_ends)
        return end_mount(worker);
    if (waited &&
        mountpoint_tell_holders(&volume->info, keeper > 0 ? keeper : getpid(),
                                worker->looks == 1 || node_table_counts(&volume->nodes).opens > 0))
        worker->looks = 0;
    else if (waited)
        worker->looks--;
    return -1;
}

/* Ends with the connection to the kernel. An umount has taken the mount away before. */
static int end_with_connection(const struct worker *worker)
{
    const struct mount_info *info = &worker->mount->volume.info;

    if (worker->server.stuck)
        return WORKER_DETACHED;
    if (mounts_have_device(info->device_number))
        log_event(LOG_WARNING,
                  "the connection of the mount at %s was ended, by umount -f or in "
                  "/sys/fs/fuse/connections; the mount ends",
                  info->mountpoint);
    return WORKER_ENDED;
}

/* Waits until something ends the process. */
static int await_end_of_work(struct worker *worker)
{
    CLEANUP_FD int mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    struct pollfd events[] = { { .fd = worker->server.ended, .events = POLLIN },
                               { .fd = worker->signals, .events = POLLIN },
                               { .fd = worker->keeper ? worker->keeper->alive : -1,
                                 .events = POLLIN },
                               { .fd = mounts, .events = POLLPRI } };
    struct signalfd_siginfo info;
    int status = -1, ready;

    hold_begin(&worker->mount->volume);
    see_mounts(worker);
    while (status < 0) {
        ready =
            poll(events, 4, worker->out_of_sight && worker->looks > 0 ? HOLDER_MILLISECONDS : -1);
        if (ready < 0)
            continue;
        if (events[3].revents)
            see_mounts(worker);
        if (events[0].revents) {
            status = end_with_connection(worker);
        } else if (events[2].revents) {
            log_event(LOG_ERR, "the keeper of the mount at %s was killed; the mount ends",
                      worker->mount->volume.info.mountpoint);
            status = end_mount(worker);
            worker->left_alone = true;
        } else if (events[1].revents &&
                   read(worker->signals, &info, sizeof(info)) == sizeof(info)) {
            status = obey_signal(worker, &info);
        } else if (worker->out_of_sight) {
            status = outlive_mount(worker, ready == 0);
        }
    }
    return status;
}

/* Waits for the keeper's word. Returns false if it will not come. */
static bool wait_for_go(const struct mount *mount, const struct keeper_fds *keeper)
{
    struct pollfd events[] = { { .fd = keeper->go, .events = POLLIN },
                               { .fd = keeper->alive, .events = POLLIN } };
    struct signalfd_siginfo info;

    do {
        if (poll(events, 2, -1) < 0)
            continue;
        if (events[1].revents)
            return false;
    } while (mount->volume.state->life.worker != getpid() || !event_take(keeper->go));
    // Signals that came while this worker had nothing to do were not meant for it.
    while (read(keeper->signals, &info, sizeof(info)) == sizeof(info))
        ;
    return true;
}

static int attach_nodes(struct mount *mount)
{
    const char *why;
    int error;

    if (mount->volume.nodes.header)
        node_table_detach(&mount->volume.nodes);
    mount->volume.nodes.corrupt = mount_damaged;
    mount->volume.nodes.corrupt_argument = mount;
    error = node_table_attach(&mount->volume.nodes, mount->volume.info.nodes, &why);
    // Any other error may pass.
    if (error == -EPROTO || error == -EUCLEAN)
        mount_damaged(mount, why);
    if (error)
        return error;
    node_fd_keep(&mount->volume.nodes, mount->volume.parking.memfd);
    if (!area_table_keep(&mount->volume.areas, &mount->volume.nodes) ||
        !file_locks_keep(&mount->volume))
        mount_damaged(mount, "the table of areas or locks has a wrong checksum");
    return 0;
}

int worker_inherit(struct mount *mount)
{
    int error = attach_nodes(mount);

    if (!error)
        error = node_fd_inherit(&mount->volume.nodes);
    if (error)
        log_event(LOG_ERR, "descriptors cannot be handed over: %s", strerror(-error));
    return error ? WORKER_FAILED : WORKER_ENDED;
}

/* Begins a mount in its first worker, which comes to an agreement with the kernel. */
static int begin_mount(struct mount *mount)
{
    int error = session_agree(mount);

    if (error)
        log_event(LOG_ERR, "no agreement with the kernel on the mount at %s: %s",
                  mount->volume.info.mountpoint, strerror(-error));
    else
        error = session_probe(mount);
    if (!error && mount->options.last_close)
        error = last_close_require(&mount->volume);
    if (!error)
        error = volume_journal_begin(&mount->volume);
    if (error)
        return error;
    mount->volume.state->info = mount->volume.info;
    state_seal(mount->volume.state);
    state_populate_buffers(mount->volume.state, mount->volume.info.request_bytes);
    return 0;
}

/* Continues a mount in a later worker, which finds an agreement. */
static int continue_mount(struct worker *worker)
{
    struct mount *mount = worker->mount;
    int error;

    // Needed after an execve(2), or a failed one.
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    if (!state_is_valid(mount->volume.state))
        mount_damaged(mount, "the mount info has a wrong checksum");
    mount->volume.info = mount->volume.state->info;
    // It has what the first worker had, which may have been of another binary.
    error = cred_confine(&mount->volume.info.cred);
    if (!error)
        error = attach_nodes(mount);
    if (!error && mount->volume.state->life.ending & LIFE_ENDED) {
        // The last worker has closed the connection, and died before it had committed everything.
        error = volume_journal_begin(&mount->volume);
        return error ? error : -ENODEV;
    }
    if (!error) {
        reattach_finish(&mount->volume);
        last_close_recover(&mount->volume);
        error = server_recover(&worker->server);
    }
    if (error && error != -ENODEV)
        log_event(LOG_ERR, "the worker cannot recover what the last one left: %s",
                  strerror(-error));
    return error;
}

/* Ends a standby whose keeper was killed. The active worker ends the mount, if it lives to do that;
 * if not, the standby does. */
static int outlive_keeper(const struct mount *mount)
{
    pid_t active = mount->volume.state->life.worker;
    // It may have been appointed itself, and not been told.
    CLEANUP_FD int pidfd = active == getpid() ? -1 : (int)syscall(SYS_pidfd_open, active, 0);

    if (pidfd >= 0)
        watchdog_follow(mount->volume.state, mount->volume.info.device, pidfd);
    mountpoint_take_away(&mount->volume.info);
    return -ESRCH;
}

static int begin_serving(struct worker *worker)
{
    int error = server_start(&worker->server);

    if (!error)
        error = saver_start(worker->mount);
    if (error)
        log_event(LOG_ERR, "the mount at %s cannot be served: %s",
                  worker->mount->volume.info.mountpoint, strerror(-error));
    return error;
}

static int begin_work(struct worker *worker)
{
    struct mount *mount = worker->mount;
    bool first = !mount->volume.state->agreed.made;
    int error = cred_confine(&mount->volume.info.cred);

    if (!error)
        error = syscall_filter_begin(mount);
    if (error)
        log_event(LOG_ERR, "the worker cannot give up its rights: %s", strerror(-error));
    if (!error && worker->keeper) {
        setproctitle("waits at %s", mount->volume.info.mountpoint);
        error = session_prepare(mount);
        if (!error && !wait_for_go(mount, worker->keeper))
            return outlive_keeper(mount);
        setproctitle("serves %s", mount->volume.info.mountpoint);
    }
    if (!error)
        error = first ? begin_mount(mount) : continue_mount(worker);
    // The threads start after the recovery, which would close what they open along with the
    // descriptors of the dead worker.
    if (!error)
        error = begin_serving(worker);
    if (!error && worker->keeper)
        event_signal(worker->keeper->serving);
    else if (!error && !background_ready(worker->ready))
        error = -EPIPE;
    return error;
}

/* Ends the connection and lets the keeper know. A thread whose system call the store does not
 * answer keeps the process, with its descriptors: clients must not wait for that. */
static void let_go(const struct worker *worker)
{
    struct mount *mount = worker->mount;

    // An abort, such as that of umount -f, leaves a mount that somebody uses.
    mountpoint_take_away(&mount->volume.info);
    // In this order: if this worker dies now, the next one must not take what is put in the
    // connection's place for the connection.
    atomic_fetch_or(&mount->volume.state->life.ending, LIFE_ENDED);
    connection_close(mount);
    if (worker->keeper)
        event_signal(worker->keeper->serving);
}

/* Ends what nobody waits for any more. */
static void finish(struct worker *worker)
{
    struct mount *mount = worker->mount;

    let_go(worker);
    fault_point(FAULT_AFTER_END);
    saver_end(mount);
    volume_journal_end(&mount->volume, server_serves_nothing(&worker->server));
}

int worker_run(struct mount *mount, const struct keeper_fds *keeper, int signals, int ready)
{
    // Threads may use it until the process ends, even after the last one has said that it ends.
    static struct worker worker;
    int error, status;

    worker = (struct worker){
        .mount = mount, .keeper = keeper, .signals = signals, .ready = ready, .looks = HOLDER_LOOKS
    };
    server_init(&worker.server, &mount->volume);
    error = begin_work(&worker);
    if (error && error != -ENODEV)
        return WORKER_FAILED;
    status = error ? WORKER_DETACHED : await_end_of_work(&worker);
    if (status == WORKER_ENDED || status == WORKER_DETACHED)
        finish(&worker);
    // The keeper would do it, once nobody waits for the disk any more.
    if (worker.left_alone)
        store_end(mount);
    return status;
}
