// SPDX-License-Identifier: BSD-2-Clause
#include "signals.h"

#include <stddef.h>

void signals_block(sigset_t *heeded)
{
    static const int wanted[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGURG };
    static const int unwanted[] = { SIGIO,   SIGXFSZ, SIGPIPE,   SIGALRM,
                                    SIGTTIN, SIGTTOU, SIGVTALRM, SIGPROF };
    sigset_t others;

    sigemptyset(heeded);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        sigaddset(heeded, wanted[i]);
    sigprocmask(SIG_BLOCK, heeded, NULL);
    // One that whoever started us ignores would not wait to be read.
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        signal(wanted[i], SIG_DFL);
    for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
        signal(unwanted[i], SIG_IGN);
    // With this one the watchdog of a service manager ends a process, and wants to see its memory.
    signal(SIGABRT, SIG_DFL);
    sigemptyset(&others);
    sigaddset(&others, SIGABRT);
    sigprocmask(SIG_UNBLOCK, &others, NULL);
}
