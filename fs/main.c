// SPDX-License-Identifier: BSD-2-Clause
/* The program shmapfs: reads its command line, mounts, and serves or becomes the keeper. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "fs/class/classes.h"
#include "fs/mount/connection.h"
#include "fs/mount/mountpoint.h"
#include "fs/mount/setup.h"
#include "fs/mount/store_setup.h"
#include "fs/ops/ops.h"
#include "fs/options/command_line.h"
#include "fs/options/option_table.h"
#include "fs/options/remount.h"
#include "fs/outage/ram_release.h"
#include "fs/process/background.h"
#include "fs/process/keeper.h"
#include "fs/process/takeover.h"
#include "fs/process/upgrade.h"
#include "fs/process/worker.h"
#include "fs/util/log.h"
#include "fs/util/signals.h"
#include "fs/util/version.h"
#include "lib/process/parent.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/streams.h"

static void log_for_libfuse(enum fuse_log_level level, const char *format, va_list arguments)
{
    vlog_event((int)level, format, arguments);
}

static int do_work(void *mount, const struct keeper_fds *fds)
{
    return worker_run(mount, fds, fds->signals, -1);
}

static int unmount(void *argument)
{
    struct mount *mount = argument;

    mountpoint_take_away(&mount->volume.info);
    return WORKER_ENDED;
}

static void disconnect(void *argument)
{
    struct mount *mount = argument;

    connection_close(mount);
    ram_release(&mount->volume);
}

/* In a child of the keeper, with which it shares descriptors. */
static int end_store(void *argument)
{
    struct mount *mount = argument;

    // With the connection ends all that still uses the mount, which nobody serves, and which must
    // not wait for a disk.
    disconnect(mount);
    store_end(mount);
    return WORKER_ENDED;
}

/* Says what is not known of a store that takes long to end. */
static void tell_of_store(void *argument)
{
    const struct mount *mount = argument;
    int place = -1;
    unsigned calls = 0;

    while ((place = parking_next(&mount->volume.parking, place + 1)) >= 0)
        calls++;
    for (unsigned i = 0; i < REQUESTS; i++)
        calls += request_state(&mount->volume.state->requests[i]) == REQUEST_BEGUN;
    log_event(LOG_WARNING,
              "the mount at %s has ended, but STORE %s has not answered yet: what was written to "
              "it last may not be on its disk, and %u calls were not carried out; it stays locked "
              "until it answers, or until process %d is killed",
              mount->volume.info.mountpoint, mount->volume.info.store, calls, (int)getpid());
}

static int inherit(void *mount)
{
    return worker_inherit(mount);
}

/* Makes this process the keeper of the mount. */
static int become_keeper(struct mount *mount, int ready, bool resumed)
{
    struct keeper keeper = { .state = mount->volume.state,
                             .memfd = mount->memfd,
                             .device = mount->volume.info.device,
                             .ready = ready,
                             .work = do_work,
                             .unmount = unmount,
                             .disconnect = disconnect,
                             .end_store = end_store,
                             .tell_of_store = tell_of_store,
                             .inherit = inherit,
                             .argument = mount };
    sigset_t signals;
    int error;

    signals_block(&signals);
    if (resumed) {
        parent_read(&keeper.parent);
        parent_follow(&keeper.parent);
    } else {
        parent_note(&keeper.parent);
    }
    if (mount->volume.info.notifies)
        notify_prepare(&keeper.notify);
    error = keeper_prepare(&keeper, &signals);
    if (error) {
        log_event(LOG_ERR, "the keeper cannot be set up: %s", strerror(-error));
        mountpoint_take_away(&mount->volume.info);
        return EXIT_FAILURE;
    }
    if (!resumed) {
        setup_keep_descriptors(mount);
        mount->volume.state->life.watchdog = mount->options.watchdog + 1;
    }
    setproctitle("keeps %s", mount->volume.info.mountpoint);
    // All that the mount had goes with the process.
    _exit(keeper_run(&keeper, resumed));
}

/* Serves in this very process. */
static int serve_without_keeper(struct mount *mount, int ready)
{
    struct notify notify;
    sigset_t signals;
    int status = WORKER_FAILED;
    int signal_fd;

    // The mount is there, and calls wait for us. Without a keeper nobody feeds a watchdog.
    if (mount->volume.info.notifies) {
        notify_prepare(&notify);
        notify_send(&notify, "READY=1\nWATCHDOG_USEC=0");
    }
    signals_block(&signals);
    signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signal_fd >= 0)
        status = worker_run(mount, NULL, signal_fd, ready);
    if (status == WORKER_ENDED || status == WORKER_DETACHED) {
        ram_release(&mount->volume);
        store_end(mount);
    }
    if (status == WORKER_DETACHED || mount_syncs(mount))
        // Nothing may be destroyed under the threads that still serve.
        _exit(EXIT_SUCCESS);
    if (signal_fd >= 0)
        close(signal_fd);
    // Otherwise a mount that answers nobody would be left behind.
    setup_undo(mount);
    return status == WORKER_ENDED ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(void *argument, int ready)
{
    struct mount *mount = argument;

    return mount->options.keeper ? become_keeper(mount, ready, false)
                                 : serve_without_keeper(mount, ready);
}

/* The exit statuses of mount(8), which its helpers share. */
enum { HELPER_USAGE = 1, HELPER_SYSTEM = 2, HELPER_INTERRUPTED = 8, HELPER_FAILED = 32 };

static int failure_status(bool helper, int error)
{
    if (!helper)
        return EXIT_FAILURE;
    switch (-error) {
    case ENOMEM:
    case EAGAIN:
    case EMFILE:
    case ENFILE:
        return HELPER_SYSTEM;
    case EINTR:
        return HELPER_INTERRUPTED;
    default:
        return HELPER_FAILED;
    }
}

/* Goes where mount(8) has been told to mount. */
static int enter_namespace(const char *name, struct complaint *complaint)
{
    bool is_process = name[strspn(name, "0123456789")] == '\0';
    char path[PATH_MAX];
    CLEANUP_FD int fd = -1;

    snprintf(path, sizeof(path), is_process ? "/proc/%s/ns/mnt" : "%s", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && setns(fd, CLONE_NEWNS) == 0)
        return 0;
    return complain(complaint, errno, "the mount namespace %s cannot be entered: %s", name,
                    strerror(errno));
}

/* Does what comes before a mount, or instead of it. Returns 1 if that is all there is to do, or 0,
 * or a negative errno after a complaint. */
static int prepare(const struct options *options, struct complaint *complaint)
{
    int error = options->mounts_in ? enter_namespace(options->mounts_in, complaint) : 0;

    if (!error && options->remount) {
        error = remount(options, complaint);
        return error ? error : 1;
    }
    return !error && options->takeover && !options->fake ? takeover_mount(options, complaint)
                                                         : error;
}

static int mount_and_run(struct mount *mount)
{
    struct complaint complaint = { .text = "" };
    bool helper = mount->options.helper;
    struct parent parent;
    sigset_t heeded;
    int status = prepare(&mount->options, &complaint);

    if (status != 0)
        option_free(&mount->options);
    if (status > 0)
        return EXIT_SUCCESS;
    // A signal that ends the process before it can be handled would leave a dead mount behind. In
    // the background nobody knows the process yet.
    if (mount->options.foreground)
        signals_block(&heeded);
    parent_note(&parent);
    if (status == 0)
        status = setup_mount(mount, &complaint);
    if (status < 0) {
        fprintf(stderr, "shmapfs: %s\n", complaint.text);
        return failure_status(helper, status);
    }
    if (mount->options.fake)
        return EXIT_SUCCESS;
    if (mount->options.foreground) {
        parent_follow(&parent);
        return run(mount, -1);
    }
    status = background_run(run, mount);
    // The child owns what was set up, and has taken it down if it failed, unless it died.
    if (status != EXIT_SUCCESS)
        mountpoint_take_away(&mount->volume.info);
    _exit(status == EXIT_SUCCESS ? status : failure_status(helper, -EIO));
}

/* Goes on with a mount that another binary has served. */
static int resume(struct mount *mount, const char *word)
{
    int error = upgrade_resume(mount, atoi(word));

    // A binary that is executed by another name may have got that name.
    prctl(PR_SET_NAME, "shmapfs");
    if (!error)
        return become_keeper(mount, -1, true);
    log_event(LOG_ERR, "this binary cannot go on with the mount: %s", strerror(-error));
    if (mount->volume.state)
        mountpoint_take_away(&mount->volume.info);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct mount mount = { .ops = &OPS, .volume = { .classes = CLASSES } };
    struct complaint complaint = { .text = "" };

    // Files that are opened later must not take the numbers of the standard streams: they would be
    // written to, or lost.
    streams_fill(0);
    log_prepare();
    fuse_set_log_func(log_for_libfuse);
    setproctitle_init(argc, argv, environ);
    // An old binary starts a new one in this way; see upgrade.h.
    if (argc == 3 && strcmp(argv[1], "--resume-check") == 0)
        upgrade_answer(&mount, atoi(argv[2]));
    if (argc == 3 && strcmp(argv[1], "--resume") == 0)
        return resume(&mount, argv[2]);
    if (command_line_parse(argc, argv, &mount.options, &complaint) != 0) {
        fprintf(stderr, "shmapfs: %s\n", complaint.text);
        option_free(&mount.options);
        return mount.options.helper ? HELPER_USAGE : 2;
    }
    if (mount.options.help || mount.options.version) {
        if (mount.options.help)
            command_line_print_help(stdout);
        else
            printf("shmapfs %s (libfuse %s)\n", version_text(), fuse_pkgversion());
        return EXIT_SUCCESS;
    }
    return mount_and_run(&mount);
}
