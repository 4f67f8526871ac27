// SPDX-License-Identifier: BSD-2-Clause
#include "beside.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start_busy(void)
{
    const pid_t parent = getpid();
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (volatile unsigned turns = 0; getppid() == parent; turns++)
        for (volatile unsigned i = 0; i < 1U << 20; i++)
            continue;
    _exit(EXIT_SUCCESS);
}

pid_t *beside_start(unsigned count)
{
    pid_t *processes = calloc(count + 1, sizeof(processes[0]));

    if (processes == NULL)
        err(1, NULL);
    for (unsigned i = 0; i < count; i++) {
        processes[i] = start_busy();
        if (processes[i] < 0)
            err(1, "a busy process");
    }
    return processes;
}

void beside_end(pid_t *processes, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        kill(processes[i], SIGKILL);
    for (unsigned i = 0; i < count; i++)
        waitpid(processes[i], NULL, 0);
    free(processes);
}
