// SPDX-License-Identifier: BSD-2-Clause
#include "guardian.h"

#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The guardian's only descriptors: whoever reads what the parent writes must not wait for it. */
enum { PARENT, KILLED, ENDED, COUNT };

static _Noreturn void guard(void)
{
    struct pollfd parent = { .fd = PARENT, .events = POLLIN };

    while (poll(&parent, 1, -1) != 1)
        ;
    syscall(SYS_pidfd_send_signal, KILLED, SIGKILL, NULL, 0);
    syscall(SYS_pidfd_send_signal, ENDED, SIGTERM, NULL, 0);
    _exit(0);
}

pid_t guardian_start(int killed, int ended)
{
    int parent = (int)syscall(SYS_pidfd_open, getpid(), 0);
    pid_t guardian = parent < 0 ? -1 : fork();

    if (guardian == 0) {
        /* Out of reach of the terminal, and of who kills the parent by its group or name. */
        setsid();
        prctl(PR_SET_NAME, "shmapfs-guard");
        dup2(parent, PARENT);
        dup2(killed, KILLED);
        dup2(ended, ENDED);
        close_range(COUNT, ~0U, 0);
        guard();
    }
    if (parent >= 0)
        close(parent);
    return guardian;
}

void guardian_dismiss(pid_t guardian)
{
    if (guardian <= 0)
        return;
    kill(guardian, SIGKILL);
    waitpid(guardian, NULL, 0);
}
