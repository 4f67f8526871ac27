// SPDX-License-Identifier: BSD-2-Clause
#include "tools/run/guardian.h"

#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The guardian's only descriptors: a reader of what the parent writes must not wait for it. */
enum { FD_PARENT, FD_KILLED, FD_ENDED, FD_BEHIND };

static _Noreturn void guard(bool ends)
{
    struct pollfd parent = { .fd = FD_PARENT, .events = POLLIN };

    while (poll(&parent, 1, -1) != 1)
        ;
    syscall(SYS_pidfd_send_signal, FD_KILLED, SIGKILL, NULL, 0);
    if (ends)
        syscall(SYS_pidfd_send_signal, FD_ENDED, SIGTERM, NULL, 0);
    _exit(0);
}

int guardian_start(struct guardian *guardian, int killed, int ended)
{
    int parent = (int)syscall(SYS_pidfd_open, getpid(), 0);

    guardian->pid = parent < 0 ? -1 : fork();
    if (guardian->pid == 0) {
        // Out of reach of the terminal, and of whoever kills the parent by its group or name.
        setsid();
        prctl(PR_SET_NAME, "shmapfs-guard");
        dup2(parent, FD_PARENT);
        dup2(killed, FD_KILLED);
        dup2(ended, FD_ENDED);
        close_range(ended < 0 ? FD_ENDED : FD_BEHIND, ~0U, 0);
        guard(ended >= 0);
    }
    if (parent >= 0)
        close(parent);
    // Nobody waits for children yet, so the number is still the guardian's.
    guardian->pidfd = guardian->pid > 0 ? (int)syscall(SYS_pidfd_open, guardian->pid, 0) : -1;
    return guardian->pidfd < 0 ? -1 : 0;
}

void guardian_dismiss(const struct guardian *guardian)
{
    siginfo_t ended;

    if (guardian->pidfd < 0)
        return;
    // It may have ended before, and been waited for.
    syscall(SYS_pidfd_send_signal, guardian->pidfd, SIGKILL, NULL, 0);
    waitid(P_PIDFD, (id_t)guardian->pidfd, &ended, WEXITED);
    close(guardian->pidfd);
}
