// SPDX-License-Identifier: BSD-2-Clause
#include "tools/ui/interruption.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

int interruption_begin(struct interruption *interruption)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGQUIT);
    sigaddset(&signals, SIGTERM);
    *interruption = (struct interruption){ .fd = -1 };
    sigprocmask(SIG_BLOCK, &signals, &interruption->before);
    interruption->fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return interruption->fd < 0 ? -errno : 0;
}

void interruption_end(struct interruption *interruption)
{
    if (interruption->fd >= 0)
        close(interruption->fd);
    if (interruption->signal)
        raise(interruption->signal);
    sigprocmask(SIG_SETMASK, &interruption->before, NULL);
}

bool interruption_came(struct interruption *interruption)
{
    struct signalfd_siginfo came;

    if (read(interruption->fd, &came, sizeof(came)) == (ssize_t)sizeof(came))
        interruption->signal = (int)came.ssi_signo;
    return interruption->signal != 0;
}
