// SPDX-License-Identifier: BSD-2-Clause
#include "fs/util/signals.h"

#include <stdbool.h>
#include <stddef.h>

/* Faults: the kernel raises these because of what a process does itself, whether they are blocked
 * or not. Blocked, they have no effect when another process sends them. */
static const int FAULTS[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
#define FAULT_COUNT (sizeof(FAULTS) / sizeof(FAULTS[0]))

/* Returns whether a signal keeps its default action. With SIGABRT the watchdog of a service manager
 * ends a process, and wants to see its memory. */
static bool is_to_act(int signal)
{
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        if (FAULTS[i] == signal)
            return true;
    }
    return signal == SIGKILL || signal == SIGSTOP || signal == SIGABRT || signal == SIGCONT;
}

void signals_take_faults(void)
{
    sigset_t faults;

    sigemptyset(&faults);
    for (size_t i = 0; i < FAULT_COUNT; i++)
        sigaddset(&faults, FAULTS[i]);
    sigprocmask(SIG_UNBLOCK, &faults, NULL);
}

void signals_block(sigset_t *heeded)
{
    // SIGURG is for earlier versions, which may be upgraded to, and inherit the signalfd.
    static const int wanted[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGURG };
    sigset_t blocked;

    sigemptyset(heeded);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        sigaddset(heeded, wanted[i]);
    blocked = *heeded;
    for (size_t i = 0; i < FAULT_COUNT; i++)
        sigaddset(&blocked, FAULTS[i]);
    // This also unblocks everything else that our parent had blocked.
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    for (int number = 1; number <= SIGRTMAX; number++) {
        // A signal that is ignored would not wait to be read.
        if (is_to_act(number) || sigismember(heeded, number) == 1)
            signal(number, SIG_DFL);
        else
            signal(number, SIG_IGN);
    }
}
