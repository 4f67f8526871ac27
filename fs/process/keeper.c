// SPDX-License-Identifier: BSD-2-Clause
#include "fs/process/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/process/background.h"
#include "fs/process/children.h"
#include "fs/process/crash_loop.h"
#include "fs/process/successor.h"
#include "fs/process/watchdog.h"
#include "fs/util/log.h"
#include "lib/sys/cleanup.h"

/* How often, and after how long, a worker is tried to be started when there can be no more processes. */
#define TRIES_MAX        50
#define TRY_MILLISECONDS 100

/* What the keeper knows. */
struct household {
    struct keeper *keeper;
    struct children children;
    bool served;    // the active one has begun to
    bool ready;     // some worker has
    bool ending;    // the mount is to end
    bool moving;    // another process is to keep it
    bool stuck;     // the active one is, and was killed
    bool upgraded;  // the manager has not heard of it
    int status;     // to exit with; -1: not yet
    unsigned tries; // to start a worker in vain
    struct deaths deaths;
    struct watchdog watchdog; // of the active one
};

/* Has the descriptor by which workers see whether their keeper lives stand for this process: it may
 * be another one than the one before. */
static int stand_in(struct keeper_fds *fds)
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
    error = stand_in(fds);
    keeper->fds = *fds;
    return error;
}

/* The mount cannot be served any more, and must not stay behind. */
static void give_up(struct household *household)
{
    household->status = EXIT_FAILURE;
    children_dismiss_standby(&household->children);
    children_do(&household->children, household->keeper->unmount);
}

/* No worker could be started; that may pass. */
static void try_again(struct household *household)
{
    if (++household->tries > TRIES_MAX)
        give_up(household);
}

/* Lets the one that waits serve, or starts one for it. */
static void promote(struct household *household)
{
    struct keeper *keeper = household->keeper;
    bool appointed = children_appoint(&household->children);

    household->served = false;
    household->stuck = false;
    watchdog_reset(&household->watchdog);
    if (!appointed) {
        try_again(household);
        return;
    }
    household->tries = 0;
    // Not while it takes over: it would close the descriptor that this takes.
    if (keeper->notify.watchdog_us)
        notify_send(&keeper->notify, "WATCHDOG=1");
    children_go(&household->children);
}

static void describe(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "was killed by signal %d (%s)", WTERMSIG(status),
                 sigdescr_np(WTERMSIG(status)) ? sigdescr_np(WTERMSIG(status)) : "unknown");
    else
        snprintf(text, size, "ended with status %d", WEXITSTATUS(status));
}

static void replace_dead(struct household *household, pid_t dead, int status)
{
    struct life *life = &household->keeper->state->life;
    bool hopeless;
    char how[96];

    life->died_at = clock_now();
    life->restarts++;
    hopeless = deaths_are_hopeless(&household->deaths, household->keeper->state);
    // Who kills has a reason of his own; so has the kernel when memory is short. But not again and
    // again without an answer in between.
    life->crashed = !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL ||
                    household->deaths.in_row >= DEATHS_SUSPICIOUS;
    if (household->stuck)
        strlcpy(how, "did not answer and was killed", sizeof(how));
    else
        describe(status, how, sizeof(how));
    snprintf(life->last_reason, sizeof(life->last_reason), "worker %d %s", (int)dead, how);
    // Said before another one begins: it closes descriptors that it does not know.
    log_event(LOG_WARNING, "worker %d %s; another one takes over", (int)dead, how);
    if (!state_is_sealed(household->keeper->state)) {
        log_event(LOG_ERR, "the mount was not ready yet");
        give_up(household);
    } else if (hopeless) {
        log_event(
            LOG_ERR,
            "%d workers died within a second and answered nobody, the last one %s; the mount at %s ends",
            DEATHS_MAX, how, household->keeper->state->info.mountpoint);
        give_up(household);
    } else {
        promote(household);
    }
}

static void set_period(struct household *household, uint64_t microseconds)
{
    household->keeper->notify.watchdog_us = microseconds;
    household->watchdog = (struct watchdog){ .period = microseconds };
}

/* Begins a change that nobody serves during. */
static void begin_change(struct household *household, const char *reason)
{
    struct life *life = &household->keeper->state->life;

    children_dismiss_standby(&household->children);
    life->died_at = clock_now();
    strlcpy(life->last_reason, reason, sizeof(life->last_reason));
}

/* Becomes the binary that is to go on. Returns when that failed. */
static void become_other(struct household *household)
{
    struct keeper *keeper = household->keeper;
    struct life *life = &keeper->state->life;
    int error;

    begin_change(household, "upgrade of " SHMAPFS_VERSION);
    // What is still to be done is for the other one to hear: a signal that waits outlives execve(2).
    if (household->ending)
        kill(getpid(), SIGTERM);
    if (household->moving)
        kill(getpid(), SIGUSR1);
    life->upgrades++;
    error = children_do(&household->children, keeper->inherit)
                ? successor_execute(&keeper->notify, keeper->memfd, keeper->state->upgrade.binary)
                : -EIO;
    life->upgrades--;
    life->exec_error = -error;
    log_event(LOG_ERR, "%s cannot be executed: %s; %s goes on", keeper->state->upgrade.binary,
              strerror(-error), SHMAPFS_VERSION);
    promote(household);
}

/* Has a new process keep the mount, with the same binary. Returns when that failed, in the process
 * that keeps it then. */
static void make_way(struct household *household)
{
    struct keeper *keeper = household->keeper;
    pid_t child;
    int error;

    household->moving = false;
    begin_change(household, "restart of the keeper");
    if (!children_do(&household->children, keeper->inherit)) {
        promote(household);
        return;
    }
    child = successor_fork();
    if (child > 0)
        _exit(EXIT_SUCCESS);
    if (child < 0) {
        log_event(LOG_ERR, "no other process can keep the mount: %s; this one does",
                  strerror(errno));
    } else {
        // To the manager it is a stranger, and silent, until it is adopted (takeover.h).
        set_period(household, 0);
        error = successor_execute(&keeper->notify, keeper->memfd, "/proc/self/exe");
        log_event(LOG_WARNING, "the new keeper goes on as a copy of the old one: %s",
                  strerror(-error));
        stand_in(&keeper->fds);
        keeper->state->life.keeper = getpid();
    }
    promote(household);
}

/* Tells the worker, once it serves, what the keeper was told; one that was told before may not have
 * lived to do it. */
static void pass_on(const struct household *household)
{
    if (!household->served)
        return;
    household->keeper->state->life.ending = household->ending;
    if (household->ending) {
        notify_send(&household->keeper->notify, "STOPPING=1");
        kill(household->children.active, SIGTERM);
    } else if (household->moving) {
        kill(household->children.active, SIGUSR1);
    }
}

static void now_serving(struct household *household)
{
    const struct keeper *keeper = household->keeper;

    household->served = true;
    watchdog_reset(&household->watchdog);
    if (!household->ready) {
        // The mount is nobody's when who asked for it is gone.
        household->ending |= !background_ready(keeper->ready);
        notify_send(&keeper->notify, "READY=1\nMAINPID=%d", (int)getpid());
    }
    household->ready = true;
    if (household->children.standby <= 0)
        children_start_standby(&household->children);
    pass_on(household);
}

static void active_ended(struct household *household, int status)
{
    pid_t ended = household->children.active;

    // It may have begun to only just before.
    if (children_begun(&household->children))
        now_serving(household);
    household->children.active = 0;
    household->served = false;
    switch (WIFEXITED(status) ? WEXITSTATUS(status) : -1) {
    case WORKER_ENDED:
    case WORKER_DETACHED:
        household->status = EXIT_SUCCESS;
        break;
    case WORKER_FAILED:
        give_up(household);
        break;
    case WORKER_DAMAGED:
        household->status = EXIT_FAILURE;
        break;
    case WORKER_HANDOVER:
        become_other(household);
        break;
    case WORKER_YIELDED:
        // The end may have been asked for since.
        if (household->ending)
            promote(household);
        else
            make_way(household);
        break;
    default:
        replace_dead(household, ended, status);
    }
}

static void reap(struct household *household)
{
    int status;
    pid_t child;

    while (household->status < 0 && (child = waitpid(-1, &status, WNOHANG)) > 0) {
        if (child == household->children.active)
            active_ended(household, status);
        else if (child == household->children.standby)
            household->children.standby = 0;
        if (household->served && household->children.active > 0 && household->children.standby == 0)
            children_start_standby(&household->children);
    }
}

static void heed(struct household *household, const struct signalfd_siginfo *info)
{
    switch (info->ssi_signo) {
    case SIGUSR1:
        household->moving = true;
        pass_on(household);
        break;
    case SIGTERM:
    case SIGINT:
        household->ending = true;
        pass_on(household);
        break;
    case SIGHUP:
        if (household->children.active > 0)
            kill(household->children.active, SIGHUP);
        break;
    case SIGUSR2:
        // Who adopts it says how often the manager wants to hear of it.
        if (info->ssi_code == SI_QUEUE)
            set_period(household, UINT64_C(1000) * (uint32_t)info->ssi_int);
        break;
    }
}

static void heed_signals(struct household *household)
{
    struct signalfd_siginfo info;

    while (read(household->keeper->fds.signals, &info, sizeof(info)) == sizeof(info))
        heed(household, &info);
}

/* The manager watches the keeper, and the keeper the worker: that one can be replaced. */
static void beat(struct household *household)
{
    struct keeper *keeper = household->keeper;

    // Who ends the mount waits for those who write.
    if (watchdog_beat(&household->watchdog, keeper->state->life.beats, household->served) &&
        household->children.active > 0 && !household->ending) {
        household->stuck = true;
        kill(household->children.active, SIGKILL);
    }
    if (!household->served)
        return;
    // What the manager was told of an upgrade that failed is not true any more.
    notify_send(&keeper->notify, household->upgraded ? "WATCHDOG=1\nSTATUS=" : "WATCHDOG=1");
    household->upgraded = false;
    kill(household->children.active, SIGURG);
}

static int patience(const struct household *household)
{
    return household->tries > 0 ? TRY_MILLISECONDS : watchdog_wait(&household->watchdog);
}

int keeper_run(struct keeper *keeper, bool resumed)
{
    struct household household = {
        .keeper = keeper,
        .children = { .work = keeper->work,
                      .argument = keeper->argument,
                      .fds = &keeper->fds,
                      .life = &keeper->state->life },
        .ready = resumed,
        .status = -1,
    };
    struct pollfd events[] = { { .fd = keeper->fds.signals, .events = POLLIN },
                               { .fd = keeper->fds.serving, .events = POLLIN } };

    household.watchdog.period = keeper->notify.watchdog_us;
    household.upgraded = resumed && keeper->state->life.keeper == getpid();
    keeper->state->life.keeper = getpid();
    children_spare_parent();
    if (resumed)
        log_event(LOG_NOTICE, "%s keeps the mount at %s from now on%s", SHMAPFS_VERSION,
                  keeper->state->info.mountpoint, household.upgraded ? "" : ", in another process");
    promote(&household);
    while (household.status < 0) {
        poll(events, 2, patience(&household));
        if (household.tries > 0)
            promote(&household);
        if (watchdog_is_due(&household.watchdog))
            beat(&household);
        if (children_begun(&household.children))
            now_serving(&household);
        heed_signals(&household);
        reap(&household);
    }
    children_dismiss_standby(&household.children);
    return household.status;
}
