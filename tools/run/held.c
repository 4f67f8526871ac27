// SPDX-License-Identifier: BSD-2-Clause
#include "tools/run/held.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/ui/exit_status.h"

pid_t held_fork(struct held *held, int at_parents_end)
{
    pid_t parent = getpid();
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    held->pid = fork();
    if (held->pid == 0) {
        prctl(PR_SET_PDEATHSIG, at_parents_end);
        // The parent may have ended before that.
        if (getppid() != parent)
            _exit(EXIT_NOT_STARTED);
        close(ends[1]);
        held->gate = ends[0];
        return 0;
    }
    close(ends[0]);
    held->gate = ends[1];
    held->pidfd = held->pid > 0 ? (int)syscall(SYS_pidfd_open, held->pid, 0) : -1;
    return held->pidfd < 0 ? -1 : held->pid;
}

void held_wait(struct held *held)
{
    char byte;

    if (read(held->gate, &byte, 1) != 1)
        _exit(EXIT_NOT_STARTED);
    close(held->gate);
}

void held_release(struct held *held)
{
    // A child that has ended leaves nobody to read it: not an error here.
    (void)!write(held->gate, "", 1);
    close(held->gate);
}

void held_kill(const struct held *held, int number)
{
    syscall(SYS_pidfd_send_signal, held->pidfd, number, NULL, 0);
}
