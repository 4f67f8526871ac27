// SPDX-License-Identifier: BSD-2-Clause
#include "fs/process/children.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/process/crash_loop.h"
#include "fs/state/worker_status.h"
#include "fs/util/clock.h"
#include "fs/util/event.h"
#include "fs/util/fork.h"
#include "fs/util/log.h"
#include "fs/util/signals.h"
#include "lib/process/oom.h"
#include "lib/sys/cleanup.h"

/* Work takes long that has taken so long. */
#define LONG_MILLISECONDS UINT64_C(5000)

/* So long a look at the threads of a worker may take. */
#define INSPECTION_MILLISECONDS UINT64_C(2000)

static pid_t start_worker(const struct children *children)
{
    pid_t child = fork_sharing_descriptors();

    if (child == 0) {
        // A stopped worker is to see that its keeper is gone. The kernel forgets this when this
        // thread changes its credentials.
        prctl(PR_SET_PDEATHSIG, SIGCONT);
        signals_take_faults();
        // If memory is short the worker goes first, because it is replaced. The keeper is not.
        oom_go_before_parent();
        _exit(children->work(children->argument, children->fds));
    }
    if (child < 0)
        log_event(LOG_ERR, "no worker can be started: %s", strerror(errno));
    return child;
}

void children_start_standby(struct children *children)
{
    uint64_t now = clock_now();

    // If the last standby did not live for long, the next one would die for the same reason.
    if (children->warm_since && now - children->warm_since < CRASH_LOOP_NANOSECONDS)
        return;
    children->warm_since = now;
    children->standby = start_worker(children);
}

void children_dismiss_standby(struct children *children)
{
    if (children->standby > 0 && kill(children->standby, SIGKILL) == 0)
        waitpid(children->standby, NULL, 0);
    children->standby = 0;
}

bool children_do(struct children *children, int (*work)(void *argument))
{
    pid_t child = fork_sharing_descriptors();
    int status;

    if (child == 0)
        _exit(work(children->argument));
    // Where there can be no more children, care is of no use.
    if (child < 0)
        return work(children->argument) == WORKER_ENDED;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == WORKER_ENDED;
}

/* Returns whether a child has ended, which stays to be waited for. */
static bool child_has_ended(pid_t child)
{
    siginfo_t info = { .si_pid = 0 };

    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == child;
}

/* Waits for a child until it takes long. Returns whether it has ended. By its signal, which is
 * blocked: a worker that recovers would close a descriptor of the child, and the one that got its
 * number next would be closed here. The caller looks for other children that have ended. */
static bool await_end(pid_t child, uint64_t milliseconds)
{
    uint64_t limit = clock_now() + milliseconds * 1000000;
    uint64_t now;
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGCHLD);
    while (!child_has_ended(child) && (now = clock_now()) < limit) {
        struct timespec rest = { .tv_sec = (time_t)((limit - now) / 1000000000),
                                 .tv_nsec = (long)((limit - now) % 1000000000) };

        sigtimedwait(&ends, NULL, &rest);
    }
    return child_has_ended(child);
}

void children_do_long(struct children *children, int (*work)(void *argument),
                      void (*late)(void *argument))
{
    pid_t child = fork_sharing_descriptors();

    if (child == 0)
        _exit(work(children->argument));
    if (child < 0) {
        work(children->argument);
        return;
    }
    if (!await_end(child, LONG_MILLISECONDS))
        late(children->argument);
    waitpid(child, NULL, 0);
}

enum threads children_inspect(pid_t worker)
{
    pid_t child = fork_sharing_descriptors();
    int status;

    if (child == 0) {
        // A worker that recovers closes descriptors that it does not know.
        if (close_range(0, ~0U, CLOSE_RANGE_UNSHARE) != 0)
            _exit(THREADS_UNKNOWN);
        _exit(threads_of(worker));
    }
    // The kernel flushes what the child closes, for which a store may not answer.
    if (child < 0 || !await_end(child, INSPECTION_MILLISECONDS) ||
        waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return THREADS_UNKNOWN;
    return (enum threads)WEXITSTATUS(status);
}

bool children_appoint(struct children *children)
{
    const struct keeper_fds *fds = children->fds;

    // An event that a dead worker had not taken yet, or had signalled, is not for the next one.
    event_take(fds->go);
    event_take(fds->serving);
    children->active = children->standby > 0 ? children->standby : start_worker(children);
    children->standby = 0;
    children->warm_since = 0;
    if (children->active < 0) {
        children->active = 0;
        return false;
    }
    // The standby may have been stopped while nobody missed it.
    kill(children->active, SIGCONT);
    children->life->worker = children->active;
    return true;
}

void children_go(const struct children *children)
{
    event_signal(children->fds->go);
}

bool children_begun(const struct children *children)
{
    return event_take(children->fds->serving);
}

int children_show_parent(struct keeper_fds *fds)
{
    CLEANUP_FD int self = (int)syscall(SYS_pidfd_open, getpid(), 0);

    if (self < 0)
        return -errno;
    if (fds->alive == 0)
        fds->alive = steal_fd(&self);
    else if (dup3(self, fds->alive, O_CLOEXEC) < 0)
        return -errno;
    return 0;
}
