// SPDX-License-Identifier: BSD-2-Clause
#include "fs/process/takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/mount/mountpoint.h"
#include "fs/options/remount.h"
#include "fs/util/log.h"
#include "fs/util/notify.h"
#include "fs/util/version.h"
#include "lib/api/shmap.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/mounts.h"

/* How long a mount whose keeper is gone may take to end. */
#define END_MILLISECONDS 10000

#define CGROUPS_MAX 4096

static bool has_ended(int pidfd)
{
    struct pollfd event = { .fd = pidfd, .events = POLLIN };

    return poll(&event, 1, 0) != 0;
}

/* Reads the control groups of a process; "self": our own. Returns their length or a negative
 * errno. */
static ssize_t read_cgroups(const char *process, char cgroups[CGROUPS_MAX])
{
    char path[64];
    CLEANUP_FD int fd = -1;
    ssize_t length;

    snprintf(path, sizeof(path), "/proc/%s/cgroup", process);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    length = fd < 0 ? -1 : read(fd, cgroups, CGROUPS_MAX);
    return length < 0 ? -errno : length;
}

/* Returns whether a process belongs to our own service. */
static bool is_of_our_service(pid_t pid)
{
    char process[16], ours[CGROUPS_MAX], theirs[CGROUPS_MAX];
    ssize_t our_length = read_cgroups("self", ours);

    snprintf(process, sizeof(process), "%d", (int)pid);
    return pid != getpid() && our_length > 0 && our_length < CGROUPS_MAX &&
           read_cgroups(process, theirs) == our_length &&
           memcmp(ours, theirs, (size_t)our_length) == 0;
}

/* Takes away a mount that nobody serves. Returns 0, or a negative errno with a complaint. */
static int take_dead_mount_away(const char *where, struct complaint *complaint)
{
    struct mount_info dead;

    mountpoint_identify(where, &dead);
    mountpoint_take_away(&dead);
    if (mounts_at(where))
        return complain(
            complaint, ENOTCONN,
            "MOUNTPOINT %s is a dead mount that cannot be taken away; try: umount -l %s", where,
            where);
    log_event(LOG_WARNING, "the dead mount at %s was taken away", where);
    return 0;
}

/* Waits for the end of a mount whose keeper is gone: its workers are ending it. */
static int await_mount_end(const char *where, struct complaint *complaint)
{
    CLEANUP_FD int table = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
    struct pollfd change = { .fd = table, .events = POLLPRI };

    while (mounts_at(where)) {
        if (poll(&change, 1, END_MILLISECONDS) <= 0)
            return take_dead_mount_away(where, complaint);
    }
    return 0;
}

/* Upgrades the mount to our own binary; `failure` is empty or says why that failed. */
static void upgrade(const char *where, const char *version, char *failure, size_t size)
{
    CLEANUP_FREE char *binary = realpath("/proc/self/exe", NULL);
    struct shmap_status status;
    int error = binary ? shmap_upgrade(where, binary) : -errno;
    const char *why = strerror(-error);

    *failure = '\0';
    if (!error)
        return;
    if (error == -EPROTO && shmap_status_get(where, &status) == 0)
        why = status.upgrade_error;
    snprintf(failure, size, "%s goes on, because it could not be upgraded to %s: %s", version,
             version_text(), why);
    log_event(LOG_ERR, "%s: %s", where, failure);
}

/* Changes a living mount as a remount does: all that the options say, or nothing, and what cannot
 * change is named. */
static void adjust(const char *where, const struct options *options,
                   const struct shmap_status *status)
{
    CLEANUP_FREE char *store = options->store ? realpath(options->store, NULL) : NULL;
    struct complaint complaint = { .text = "" };

    if (strcmp(store ? store : "", status->store) != 0)
        log_event(LOG_ERR, "the mount at %s keeps its STORE; unmount it, and mount it anew", where);
    else if (remount(options, &complaint) != 0)
        log_event(LOG_ERR, "the mount at %s keeps its options: %s", where, complaint.text);
}

/* Tells the keeper how often the manager wants to hear of it. */
static void tell_keeper(int pidfd, pid_t keeper, const struct notify *notify)
{
    uint64_t period = notify->watchdog_us / 1000;
    siginfo_t info = { .si_signo = SIGUSR2, .si_code = SI_QUEUE };

    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = period < INT32_MAX ? (int)period : INT32_MAX;
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGUSR2, &info, 0) != 0)
        log_event(LOG_ERR, "keeper %d cannot be told of the watchdog: %s", (int)keeper,
                  strerror(errno));
}

/* Tells the manager to look after the keeper. */
static int tell_manager(const struct notify *notify, pid_t keeper, const char *failure,
                        struct complaint *complaint)
{
    int error = notify_send(notify, "MAINPID=%d\nREADY=1%s%.512s", (int)keeper,
                            *failure ? "\nSTATUS=" : "", failure);

    return error
               ? complain(complaint, -error, "the service manager cannot be told of keeper %d: %s",
                          (int)keeper, strerror(-error))
               : 0;
}

/* Takes over a mount that answers. Returns as takeover_mount() does; 0: look again. */
static int take_over(const char *where, const struct shmap_status *status,
                     const struct options *options, struct complaint *complaint)
{
    pid_t keeper = (pid_t)status->keeper;
    struct notify notify = { .length = 0 };
    CLEANUP_FD int pidfd = -1;
    char failure[512];
    int error;

    if (keeper == 0)
        return complain(
            complaint, EBUSY,
            "MOUNTPOINT %s is busy: the shmapfs there cannot be taken over, because %s; "
            "unmount it first",
            where, status->survival);
    pidfd = (int)syscall(SYS_pidfd_open, keeper, 0);
    if (pidfd < 0 || has_ended(pidfd))
        return await_mount_end(where, complaint);
    if (!is_of_our_service(keeper))
        return complain(
            complaint, EBUSY,
            "MOUNTPOINT %s is busy: the shmapfs there is not of this service; unmount it first",
            where);
    upgrade(where, status->version, failure, sizeof(failure));
    if (has_ended(pidfd))
        return 0;
    adjust(where, options, status);
    // In the background, the environment speaks of somebody else's service, if of any.
    if (options->foreground)
        notify_prepare(&notify);
    // The keeper comes first: if we were killed in between, the manager would watch a keeper that
    // does not know of it.
    tell_keeper(pidfd, keeper, &notify);
    error = tell_manager(&notify, keeper, failure, complaint);
    return error ? error : 1;
}

static int look(const char *where, const struct options *options, struct complaint *complaint)
{
    struct shmap_status status;
    int error = shmap_status_get(where, &status);

    if (!error)
        return take_over(where, &status, options, complaint);
    if (!mounts_at(where))
        return 0;
    if (error == -ENOTCONN || error == -ECONNABORTED)
        return take_dead_mount_away(where, complaint);
    return complain(
        complaint, -error,
        "MOUNTPOINT %s is busy: the shmapfs there does not tell its state (%s); unmount it first",
        where, strerror(-error));
}

int takeover_mount(const struct options *options, struct complaint *complaint)
{
    CLEANUP_FREE char *where = realpath(options->mountpoint, NULL);
    int taken_over = 0;

    while (where && taken_over == 0 && mounts_at(where))
        taken_over = look(where, options, complaint);
    return taken_over;
}
