// SPDX-License-Identifier: BSD-2-Clause
#include "tools/run/supervise.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/ui/output.h"

int supervise_block_signals(struct signal_setting *before)
{
    const struct sigaction standard = { .sa_handler = SIG_DFL };
    sigset_t all;
    int fd;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before->mask);
    sigaction(SIGCHLD, &standard, &before->child);
    fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

void supervise_unblock_signals(const struct signal_setting *before)
{
    sigaction(SIGCHLD, &before->child, NULL);
    sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

void supervise_unblock_ends(void)
{
    static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
    sigset_t ends;

    sigemptyset(&ends);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaddset(&ends, numbers[i]);
    sigprocmask(SIG_UNBLOCK, &ends, NULL);
}

/* Returns whether the kernel has sent a signal to the whole process group of the terminal, and so
 * to the command as well. It tells the leader of the session alone that a terminal is gone. */
static bool is_for_group(const struct signalfd_siginfo *info)
{
    if (info->ssi_code != SI_KERNEL)
        return false;
    switch (info->ssi_signo) {
    case SIGINT:
    case SIGQUIT:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGWINCH:
        return true;
    case SIGHUP:
    case SIGCONT:
        return getsid(0) != getpid();
    default:
        return false;
    }
}

/* Returns whether a signal is meant for the command. Not meant for it are the one that tells of a
 * child's end, those that the process has brought upon itself, such as SIGPIPE, and those that the
 * command sends to its parent or its group. */
static bool is_for_command(const struct supervision *supervision,
                           const struct signalfd_siginfo *info)
{
    if (info->ssi_signo == SIGCHLD && info->ssi_code > 0)
        return false;
    if (info->ssi_code <= 0 &&
        ((pid_t)info->ssi_pid == getpid() || (pid_t)info->ssi_pid == supervision->command.pid))
        return false;
    return !is_for_group(info);
}

static void forward_signal(const struct supervision *supervision,
                           const struct signalfd_siginfo *info)
{
    siginfo_t queued = { .si_signo = (int)info->ssi_signo, .si_code = SI_QUEUE };

    if (info->ssi_code != SI_QUEUE) {
        held_kill(&supervision->command, (int)info->ssi_signo);
        return;
    }
    queued.si_pid = (pid_t)info->ssi_pid;
    queued.si_uid = info->ssi_uid;
    queued.si_value.sival_ptr = (void *)(uintptr_t)info->ssi_ptr;
    syscall(SYS_pidfd_send_signal, supervision->command.pidfd, queued.si_signo, &queued, 0);
}

static void note_daemon_end(struct supervision *supervision, int status)
{
    supervision->daemon_status = status;
    if (supervision->command_status != -1 && supervision->waiter == 0)
        return;
    if (WIFSIGNALED(status))
        warnx("shmapfs was killed by signal %d (%s)", WTERMSIG(status),
              strsignal(WTERMSIG(status)));
    else if (supervision->ready)
        warnx("shmapfs has ended with status %d, and what COMMAND shares has ended with it",
              WEXITSTATUS(status));
    supervision->failed = !supervision->ready;
    if (supervision->failed)
        held_kill(&supervision->command, SIGKILL);
}

static void reap_children(struct supervision *supervision)
{
    int status;
    pid_t child;

    // Any child: those that the command leaves behind are ours, and may get its number.
    while ((child = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        bool is_command = child == supervision->command.pid && supervision->command_status == -1;

        if (WIFSTOPPED(status)) {
            if (is_command)
                kill(getpid(), SIGSTOP);
        } else if (is_command) {
            supervision->command_status = status;
        } else if (child == supervision->daemon.process.pid && supervision->daemon_status == -1) {
            note_daemon_end(supervision, status);
        } else if (child == supervision->waiter) {
            supervision->waiter = 0;
        }
    }
}

static void dispatch_signals(struct supervision *supervision)
{
    struct signalfd_siginfo info;

    while (read(supervision->signals, &info, sizeof(info)) == sizeof(info)) {
        if (is_for_command(supervision, &info))
            forward_signal(supervision, &info);
        if (info.ssi_signo == SIGCHLD)
            reap_children(supervision);
    }
}

static void note_run_end(struct supervision *supervision)
{
    supervision->joined = -1;
    if (supervision->command_status == -1)
        warnx("the run that was joined has ended, and what COMMAND shares has ended with it");
}

/* Waits for at most that many milliseconds; -1: for ever. */
static void await_event(struct supervision *supervision, int limit)
{
    struct pollfd events[] = { { .fd = supervision->signals, .events = POLLIN },
                               { .fd = supervision->daemon.notices, .events = POLLIN },
                               { .fd = supervision->joined, .events = POLLIN } };

    if (poll(events, 3, limit) < 0)
        return;
    if (events[1].revents)
        supervision->ready |= daemon_is_ready(&supervision->daemon);
    if (events[0].revents)
        dispatch_signals(supervision);
    if (events[2].revents)
        note_run_end(supervision);
}

void supervise_start(struct supervision *supervision)
{
    while (!supervision->ready && supervision->command_status == -1)
        await_event(supervision, -1);
}

void supervise_command(struct supervision *supervision)
{
    while (supervision->command_status == -1)
        await_event(supervision, -1);
}

/* Returns whether this process has children that it did not start itself. Where the kernel does not
 * list them, there are none. */
static bool has_left(const struct supervision *supervision)
{
    FILE *children = fopen("/proc/thread-self/children", "re");
    bool found = false;
    int child;

    while (!found && children && fscanf(children, "%d", &child) == 1)
        found = child != supervision->guardian && child != supervision->daemon.process.pid;
    if (children)
        fclose(children);
    return found;
}

void supervise_left(struct supervision *supervision)
{
    int64_t end = now_ms() + 1000;

    for (int64_t left = 1000; left > 0 && has_left(supervision); left = end - now_ms())
        await_event(supervision, (int)left);
}

void supervise_waiter(struct supervision *supervision, pid_t waiter)
{
    supervision->waiter = waiter;
    while (supervision->waiter != 0 && supervision->daemon_status == -1)
        await_event(supervision, -1);
    supervision->waiter = 0;
}

void supervise_daemon(struct supervision *supervision)
{
    while (supervision->daemon_status == -1)
        await_event(supervision, -1);
}

int supervise_end_as(int status)
{
    const struct rlimit none = { 0 };
    sigset_t only;

    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    // The command has dumped its memory, if that is wanted; ours tells nothing.
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    signal(WTERMSIG(status), SIG_DFL);
    sigemptyset(&only);
    sigaddset(&only, WTERMSIG(status));
    kill(getpid(), WTERMSIG(status));
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    // The first process of a container does not die of its own signals.
    return 128 + WTERMSIG(status);
}
