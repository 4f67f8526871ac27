// SPDX-License-Identifier: BSD-2-Clause
#include "fs/process/keeper.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/process/background.h"
#include "fs/process/successor.h"
#include "fs/state/worker_status.h"
#include "fs/util/log.h"
#include "fs/util/version.h"

/* How often, and how long after each failure, the keeper tries to start a worker while the machine
 * is short of processes, memory or descriptors. */
#define TRIES_MAX        50
#define TRY_MILLISECONDS 100

/* A shorter period of the manager counts as this one when a worker is watched. */
#define MANAGER_PERIOD_US_MIN UINT64_C(2000000)

int keeper_prepare(struct keeper *keeper, const sigset_t *signals)
{
    struct keeper_fds *fds = &keeper->state->keeper_fds;
    int error;

    if (fds->alive == 0) {
        fds->signals = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
        fds->go = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        fds->serving = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (fds->signals < 0 || fds->go < 0 || fds->serving < 0)
            return -errno;
    }
    error = children_show_parent(fds);
    keeper->fds = *fds;
    return error;
}

/* Takes away a mount that cannot be served any more: it must not stay behind. */
static void give_up(struct keeper_state *self)
{
    self->status = EXIT_FAILURE;
    children_dismiss_standby(&self->children);
    children_do(&self->children, self->keeper->unmount);
}

/* Counts a failure to start a worker that serves, which may pass; gives up after too many. */
static void try_again(struct keeper_state *self)
{
    if (++self->tries > TRIES_MAX)
        give_up(self);
}

/* Returns how long a worker may take no request, in nanoseconds; 0: for ever. The manager wants to
 * hear of a stuck worker's replacement in its own period. While a worker recovers the manager hears
 * nothing, so the worker has half the period. */
static uint64_t find_patience(const struct keeper_state *self)
{
    uint64_t period = watchdog_period(&self->keeper->state->life);
    uint64_t manager = self->keeper->notify.watchdog_us;

    if (manager && manager < MANAGER_PERIOD_US_MIN)
        manager = MANAGER_PERIOD_US_MIN;
    if (!self->served)
        manager /= 2;
    return manager && manager < period / 1000 ? 1000 * manager : period;
}

/* Lets the standby serve, or a worker that is started for that. */
static void promote_standby(struct keeper_state *self)
{
    struct keeper *keeper = self->keeper;
    bool appointed = children_appoint(&self->children);

    self->served = false;
    self->stuck = false;
    watchdog_begin(&self->watchdog, find_patience(self));
    if (!appointed) {
        try_again(self);
        return;
    }
    // Not while it recovers: the worker would close the descriptor that a message takes for a
    // moment.
    if (keeper->notify.watchdog_us)
        notify_send(&keeper->notify, "WATCHDOG=1");
    children_go(&self->children);
}

static void describe(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "was killed by signal %d (%s)", WTERMSIG(status),
                 sigdescr_np(WTERMSIG(status)) ? sigdescr_np(WTERMSIG(status)) : "unknown");
    else
        snprintf(text, size, "ended with status %d", WEXITSTATUS(status));
}

static void replace_dead(struct keeper_state *self, pid_t dead, int status)
{
    struct life *life = &self->keeper->state->life;
    bool in_crash_loop;
    char how[96];

    life->died_at = clock_now();
    life->restarts++;
    in_crash_loop = crash_loop_detect(&self->crash_loop, self->keeper->state);
    // A kill is somebody's own decision, or the kernel's when memory is short, and no crash. But
    // not again and again without an answer in between.
    life->crashed = !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL ||
                    self->crash_loop.in_row >= CRASH_LOOP_SUSPICIOUS;
    if (self->stuck)
        strlcpy(how, "did not answer and was killed", sizeof(how));
    else
        describe(status, how, sizeof(how));
    snprintf(life->last_reason, sizeof(life->last_reason), "worker %d %s", (int)dead, how);
    // Logged before another worker begins: that one closes descriptors that it does not know.
    log_event(LOG_WARNING, "worker %d %s; another worker takes its place", (int)dead, how);
    if (!state_is_sealed(self->keeper->state)) {
        log_event(LOG_ERR, "the mount was not ready yet");
        give_up(self);
    } else if (in_crash_loop) {
        log_event(LOG_ERR,
                  "%d workers died within a second and answered nobody, the last one %s; "
                  "the mount at %s ends",
                  CRASH_LOOP_DEATHS, how, self->keeper->state->info.mountpoint);
        give_up(self);
    } else {
        promote_standby(self);
    }
}

/* Has another worker try what one could not, which has said why: the machine may be short of
 * something for a moment. The first worker of a mount is not replaced: somebody waits for it. */
static void replace_failed(struct keeper_state *self)
{
    struct life *life = &self->keeper->state->life;

    if (!self->ready) {
        give_up(self);
        return;
    }
    life->restarts++;
    strlcpy(life->last_reason, "a worker could not begin", sizeof(life->last_reason));
    try_again(self);
}

static void set_period(struct keeper_state *self, uint64_t microseconds)
{
    self->keeper->notify.watchdog_us = microseconds;
    self->keeper->notify.next = 0;
    // The first beat can wait: the manager has yet to hear whose it would be.
    notify_is_due(&self->keeper->notify);
    watchdog_begin(&self->watchdog, find_patience(self));
}

/* Has a new process keep the mount, with the same binary. Returns if that fails, in whichever
 * process keeps the mount then. */
static void move_to_successor(struct keeper_state *self)
{
    self->moving = false;
    if (successor_replace(self->keeper, &self->children))
        set_period(self, 0);
    promote_standby(self);
}

/* Passes on to the worker, once it serves, what the keeper was told. A worker that was told before
 * may have died before it could obey. */
static void pass_on(const struct keeper_state *self)
{
    if (!self->served)
        return;
    // A worker that is stopped could not obey.
    if (self->ending || self->moving)
        kill(self->children.active, SIGCONT);
    if (self->ending) {
        atomic_fetch_or(&self->keeper->state->life.ending, LIFE_ENDING);
        notify_send(&self->keeper->notify, "STOPPING=1");
        kill(self->children.active, SIGTERM);
    } else if (self->moving) {
        kill(self->children.active, SIGUSR1);
    }
}

/* Notes what the worker has said: that it serves, or that the mount has ended. */
static void hear_worker(struct keeper_state *self)
{
    const struct keeper *keeper = self->keeper;

    if (keeper->state->life.ending & LIFE_ENDED) {
        // Nobody is to wait for a worker whose calls the store does not answer.
        children_dismiss_standby(&self->children);
        watchdog_begin(&self->watchdog, 0);
        keeper->disconnect(keeper->argument);
        return;
    }
    self->served = true;
    self->tries = 0;
    watchdog_begin(&self->watchdog, find_patience(self));
    if (!self->ready) {
        // If the process that asked for the mount is gone, nobody wants the mount.
        self->ending |= !background_ready(keeper->ready);
        notify_send(&keeper->notify, "READY=1\nMAINPID=%d", (int)getpid());
    }
    self->ready = true;
    if (self->children.standby <= 0)
        children_start_standby(&self->children);
    pass_on(self);
}

static void active_ended(struct keeper_state *self, int status)
{
    pid_t ended = self->children.active;

    // The worker may have begun to serve only just before it ended.
    if (children_begun(&self->children))
        hear_worker(self);
    self->children.active = 0;
    self->served = false;
    switch (WIFEXITED(status) ? WEXITSTATUS(status) : -1) {
    case WORKER_ENDED:
    case WORKER_DETACHED:
        self->status = EXIT_SUCCESS;
        break;
    case WORKER_FAILED:
        replace_failed(self);
        break;
    case WORKER_DAMAGED:
        self->status = EXIT_FAILURE;
        break;
    case WORKER_HANDOVER:
        successor_upgrade(self->keeper, &self->children, self->ending, self->moving);
        promote_standby(self);
        break;
    case WORKER_RENEWED:
    case WORKER_YIELDED:
        // The end of the mount may have been asked for since.
        if (self->ending || WEXITSTATUS(status) == WORKER_RENEWED)
            promote_standby(self);
        else
            move_to_successor(self);
        break;
    default:
        replace_dead(self, ended, status);
    }
}

static void reap(struct keeper_state *self)
{
    int status;
    pid_t child;

    while (self->status < 0 && (child = waitpid(-1, &status, WNOHANG)) > 0) {
        if (child == self->children.active)
            active_ended(self, status);
        else if (child == self->children.standby)
            self->children.standby = 0;
        if (self->served && self->children.active > 0 && self->children.standby == 0)
            children_start_standby(&self->children);
    }
}

static void handle_signal(struct keeper_state *self, const struct signalfd_siginfo *info)
{
    switch (info->ssi_signo) {
    case SIGUSR1:
        self->moving = true;
        pass_on(self);
        break;
    case SIGTERM:
    case SIGINT:
        self->ending = true;
        pass_on(self);
        break;
    case SIGHUP:
        if (self->children.active > 0)
            kill(self->children.active, SIGHUP);
        break;
    case SIGUSR2:
        // The process of a takeover says how often the manager wants to hear of the keeper.
        if (info->ssi_code != SI_QUEUE)
            break;
        prctl(PR_SET_NAME, "shmapfs"); // known to the manager again (successor.c)
        set_period(self, UINT64_C(1000) * (uint32_t)info->ssi_int);
        break;
    }
}

static void handle_signals(struct keeper_state *self)
{
    struct signalfd_siginfo info;

    while (read(self->keeper->fds.signals, &info, sizeof(info)) == sizeof(info))
        handle_signal(self, &info);
}

/* Kills a worker that is stuck. The manager watches the keeper, and the keeper watches the worker,
 * because the worker can be replaced. */
static void watch_worker(struct keeper_state *self)
{
    const struct watched watched = { .state = self->keeper->state,
                                     .device = self->keeper->device,
                                     .worker = self->children.active,
                                     .serves = self->served };

    if (watched.worker <= 0 || !watchdog_look(&self->watchdog, &watched))
        return;
    self->stuck = true;
    kill(watched.worker, SIGKILL);
}

/* Ends the store of a mount that was there. In a child: a disk that does not answer must not keep
 * the keeper from being killed. */
static void end_store(struct keeper_state *self)
{
    const struct keeper *keeper = self->keeper;

    if (!self->ready || keeper->state->info.areas[AREA_STORE].root < 0)
        return;
    // The manager does not expect beats any more.
    if (!self->ending)
        notify_send(&keeper->notify, "STOPPING=1");
    children_do_long(&self->children, keeper->end_store, keeper->tell_of_store);
}

static void tell_manager(struct keeper_state *self)
{
    if (!notify_is_due(&self->keeper->notify) || !self->served)
        return;
    // The manager's status still shows an earlier upgrade that failed; that is not true any more.
    notify_send(&self->keeper->notify, self->upgraded ? "WATCHDOG=1\nSTATUS=" : "WATCHDOG=1");
    self->upgraded = false;
}

/* Returns the shorter of two waits for poll(2); -1 is for ever. */
static int shorter(int one, int other)
{
    return one < 0 || (other >= 0 && other < one) ? other : one;
}

/* Returns whether a worker is to be started after a failure. */
static bool is_to_try(const struct keeper_state *self)
{
    return self->tries > 0 && self->children.active <= 0;
}

/* Waits until there is something to do. */
static void await_event(struct keeper_state *self)
{
    const struct keeper *keeper = self->keeper;
    struct pollfd events[] = { { .fd = keeper->fds.signals, .events = POLLIN },
                               { .fd = keeper->fds.serving, .events = POLLIN },
                               { .fd = watchdog_sleeps(&self->watchdog) ? keeper->device : -1,
                                 .events = POLLIN } };
    int wait = shorter(notify_wait(&keeper->notify), watchdog_wait(&self->watchdog));

    poll(events, 3, is_to_try(self) ? TRY_MILLISECONDS : wait);
    if (events[2].revents)
        watchdog_wake(&self->watchdog);
}

int keeper_run(struct keeper *keeper, bool resumed)
{
    struct keeper_state self = {
        .keeper = keeper,
        .children = { .work = keeper->work,
                      .argument = keeper->argument,
                      .fds = &keeper->fds,
                      .life = &keeper->state->life },
        .ready = resumed,
        .upgraded = resumed,
        .status = -1,
    };

    keeper->state->life.keeper = getpid();
    if (resumed)
        log_event(LOG_NOTICE, "%s keeps the mount at %s from now on", version_text(),
                  keeper->state->info.mountpoint);
    promote_standby(&self);
    while (self.status < 0) {
        await_event(&self);
        if (is_to_try(&self))
            promote_standby(&self);
        watch_worker(&self);
        tell_manager(&self);
        if (children_begun(&self.children))
            hear_worker(&self);
        handle_signals(&self);
        reap(&self);
    }
    children_dismiss_standby(&self.children);
    end_store(&self);
    return self.status;
}
