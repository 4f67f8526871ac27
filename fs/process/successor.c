// SPDX-License-Identifier: BSD-2-Clause
#include "fs/process/successor.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/util/clock.h"
#include "fs/util/log.h"
#include "fs/util/version.h"

#define ENVIRONMENT_MAX 1024

/* The name of a keeper, and of its workers, that the service manager does not know of. */
#define SUCCESSOR_NAME "(shmapfs)"

/* Variables that are left out when the environment is copied, and written anew. */
static const char *const OWN_VARIABLES[] = { "WATCHDOG_PID=", "WATCHDOG_USEC=", "SHMAPFS_PARENT=" };
#define OWN_VARIABLE_COUNT (sizeof(OWN_VARIABLES) / sizeof(OWN_VARIABLES[0]))

/* Variables for notify_prepare() and parent_read() of the binary that is executed. */
struct own_variables {
    char pid[32];
    char period[48];
    char parent[PARENT_TEXT_MAX];
};

/* Does what fork(2) does, but the child is one of our own parent's: a service manager that has
 * started us hears of its end, too. Fails where we are the first process of a PID namespace. */
static pid_t fork_sibling(void)
{
    return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
}

static bool is_own(const char *entry)
{
    for (size_t i = 0; i < OWN_VARIABLE_COUNT; i++) {
        if (strncmp(entry, OWN_VARIABLES[i], strlen(OWN_VARIABLES[i])) == 0)
            return true;
    }
    return false;
}

/* Copies our own environment except the watchdog and the parent, which may have changed by now. */
static void fill_environment(char **environment, struct own_variables *own,
                             const struct keeper *keeper)
{
    size_t count = 0;

    for (char **entry = environ; *entry && count < ENVIRONMENT_MAX - OWN_VARIABLE_COUNT - 1;
         entry++) {
        if (!is_own(*entry))
            environment[count++] = *entry;
    }
    if (keeper->notify.watchdog_us) {
        snprintf(own->pid, sizeof(own->pid), "WATCHDOG_PID=%d", (int)getpid());
        snprintf(own->period, sizeof(own->period), "WATCHDOG_USEC=%" PRIu64,
                 keeper->notify.watchdog_us);
        environment[count++] = own->pid;
        environment[count++] = own->period;
    }
    if (keeper->parent.signal) {
        parent_write(&keeper->parent, own->parent);
        environment[count++] = own->parent;
    }
    environment[count] = NULL;
}

/* Becomes a binary that goes on with the mount, tells the same service manager as often, and ends
 * with the same parent. Returns a negative errno. */
static int execute(const struct keeper *keeper, const char *binary)
{
    char name[] = "shmapfs", word[] = "--resume", number[16];
    char *const arguments[] = { name, word, number, NULL };
    char *environment[ENVIRONMENT_MAX];
    struct own_variables own;

    snprintf(number, sizeof(number), "%d", keeper->memfd);
    fill_environment(environment, &own, keeper);
    execve(binary, arguments, environment);
    return -errno;
}

/* Begins a change during which nobody serves. */
static void begin_change(const struct keeper *keeper, struct children *children, const char *reason)
{
    struct life *life = &keeper->state->life;

    children_dismiss_standby(children);
    life->died_at = clock_now();
    strlcpy(life->last_reason, reason, sizeof(life->last_reason));
}

void successor_upgrade(struct keeper *keeper, struct children *children, bool ending, bool moving)
{
    struct life *life = &keeper->state->life;
    const char *binary = keeper->state->upgrade.binary;
    char reason[sizeof(life->last_reason)];
    int error = -EIO;

    snprintf(reason, sizeof(reason), "upgrade of %s", version_text());
    begin_change(keeper, children, reason);
    // A pending signal outlives execve(2).
    if (ending)
        kill(getpid(), SIGTERM);
    if (moving)
        kill(getpid(), SIGUSR1);
    life->upgrades++;
    if (children_do(children, keeper->inherit))
        error = execute(keeper, binary);
    life->upgrades--;
    life->exec_error = -error;
    log_event(LOG_ERR, "%s cannot be executed: %s; %s goes on", binary, strerror(-error),
              version_text());
}

bool successor_replace(struct keeper *keeper, struct children *children)
{
    char name[16] = "shmapfs";
    pid_t child;

    begin_change(keeper, children, "restart of the keeper");
    prctl(PR_GET_NAME, name);
    // systemd warns of processes that outlive their service, but for those whose names begin so.
    prctl(PR_SET_NAME, SUCCESSOR_NAME);
    child = fork_sibling();
    if (child > 0)
        _exit(EXIT_SUCCESS);
    if (child < 0) {
        log_event(LOG_ERR, "no other process can keep the mount: %s; this process keeps it",
                  strerror(errno));
        prctl(PR_SET_NAME, name);
        return false;
    }
    // The manager does not know the new keeper, which is silent until a takeover (takeover.h).
    keeper->notify.watchdog_us = 0;
    children_show_parent(&keeper->fds);
    parent_follow(&keeper->parent);
    keeper->state->life.keeper = getpid();
    log_event(LOG_NOTICE, "%s keeps the mount at %s from now on, in another process",
              version_text(), keeper->state->info.mountpoint);
    return true;
}
