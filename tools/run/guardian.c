// SPDX-License-Identifier: BSD-2-Clause
#include "tools/run/guardian.h"

#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The guardian's only descriptors: a reader of what the parent writes must not wait for it. */
enum { FD_PARENT, FD_KILLED, FD_ENDED, FD_BEHIND };

static _Noreturn void guard(void)
{
    struct pollfd parent = { .fd = FD_PARENT, .events = POLLIN };

    while (poll(&parent, 1, -1) != 1)
        ;
    syscall(SYS_pidfd_send_signal, FD_KILLED, SIGKILL, NULL, 0);
    syscall(SYS_pidfd_send_signal, FD_ENDED, SIGTERM, NULL, 0);
    _exit(0);
}

int guardian_start(int killed, int ended)
{
    int parent = (int)syscall(SYS_pidfd_open, getpid(), 0);
    pid_t guardian = parent < 0 ? -1 : fork();

    if (guardian == 0) {
        // Out of reach of the terminal, and of whoever kills the parent by its group or name.
        setsid();
        prctl(PR_SET_NAME, "shmapfs-guard");
        dup2(parent, FD_PARENT);
        dup2(killed, FD_KILLED);
        dup2(ended, FD_ENDED);
        close_range(FD_BEHIND, ~0U, 0);
        guard();
    }
    if (parent >= 0)
        close(parent);
    // Nobody waits for children yet, so the number is still the guardian's.
    return guardian > 0 ? (int)syscall(SYS_pidfd_open, guardian, 0) : -1;
}

void guardian_dismiss(int guardian)
{
    siginfo_t ended;

    if (guardian < 0)
        return;
    // It may have ended before, and been waited for.
    syscall(SYS_pidfd_send_signal, guardian, SIGKILL, NULL, 0);
    waitid(P_PIDFD, (id_t)guardian, &ended, WEXITED);
    close(guardian);
}
