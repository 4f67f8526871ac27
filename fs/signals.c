// SPDX-License-Identifier: BSD-2-Clause
#include "signals.h"

#include <stdbool.h>
#include <stddef.h>

/* What the kernel raises because of what a process does itself, and what cannot be ignored; the last
 * one but for SIGCONT is how the watchdog of a service manager ends a process, to see its memory. */
static bool is_fatal(int signal)
{
    static const int fatal[] = { SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP,
                                 SIGSYS,  SIGKILL, SIGSTOP, SIGABRT, SIGCONT };

    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        if (fatal[i] == signal)
            return true;
    }
    return false;
}

void signals_block(sigset_t *heeded)
{
    static const int wanted[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGURG };

    sigemptyset(heeded);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        sigaddset(heeded, wanted[i]);
    // Nothing else that whoever started us has blocked stays so.
    sigprocmask(SIG_SETMASK, heeded, NULL);
    for (int number = 1; number <= SIGRTMAX; number++) {
        // One that is heeded and ignored would not wait to be read.
        if (is_fatal(number) || sigismember(heeded, number) == 1)
            signal(number, SIG_DFL);
        else
            signal(number, SIG_IGN);
    }
}
