// SPDX-License-Identifier: BSD-2-Clause
#include "fs/process/successor.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENVIRONMENT_MAX 1024

/* For notify_prepare() of the binary that is executed. */
struct watchdog {
    char pid[32];
    char period[48];
};

pid_t successor_fork(void)
{
    return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
}

/* Our own environment, but for the watchdog: its period may be another one by now, and so may the
 * process that it is meant for. */
static void fill(char **environment, struct watchdog *watchdog, const struct notify *notify)
{
    size_t count = 0;

    for (char **entry = environ; *entry && count < ENVIRONMENT_MAX - 3; entry++) {
        if (strncmp(*entry, "WATCHDOG_PID=", 13) != 0 && strncmp(*entry, "WATCHDOG_USEC=", 14) != 0)
            environment[count++] = *entry;
    }
    if (notify->watchdog_us) {
        snprintf(watchdog->pid, sizeof(watchdog->pid), "WATCHDOG_PID=%d", (int)getpid());
        snprintf(watchdog->period, sizeof(watchdog->period), "WATCHDOG_USEC=%" PRIu64,
                 notify->watchdog_us);
        environment[count++] = watchdog->pid;
        environment[count++] = watchdog->period;
    }
    environment[count] = NULL;
}

int successor_execute(const struct notify *notify, int memfd, const char *binary)
{
    char name[] = "shmapfs", word[] = "--resume", number[16];
    char *const arguments[] = { name, word, number, NULL };
    char *environment[ENVIRONMENT_MAX];
    struct watchdog watchdog;

    snprintf(number, sizeof(number), "%d", memfd);
    fill(environment, &watchdog, notify);
    execve(binary, arguments, environment);
    return -errno;
}
