// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/survive/status_watchdog.h"

#include "tests/mount/load/event_count.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST_SECONDS = 180 };

/* In memory that both processes share. */
struct status_watchdog {
    const char *mountpoint;
    pid_t watcher;
    struct event_count end;
    atomic_int_least64_t asked; // when, in seconds; 0: nobody asks
    atomic_int_least64_t keeper;
};

static int64_t now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static _Noreturn void watch(struct status_watchdog *watchdog)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (event_count_read(&watchdog->end) == 0) {
        int64_t asked = atomic_load(&watchdog->asked);
        if (asked != 0 && now_seconds() - asked > LONGEST_SECONDS) {
            fprintf(stderr, "FAILED: the mount has not told its status for %d s\n",
                    LONGEST_SECONDS);
            if (atomic_load(&watchdog->keeper) != 0)
                kill((pid_t)atomic_load(&watchdog->keeper), SIGKILL);
            _exit(EXIT_FAILURE);
        }
        event_count_await(&watchdog->end, 0);
    }
    _exit(EXIT_SUCCESS);
}

struct status_watchdog *status_watchdog_start(const char *mountpoint)
{
    struct status_watchdog *watchdog = load_memory(sizeof(*watchdog));

    watchdog->mountpoint = mountpoint;
    fflush(NULL);
    watchdog->watcher = fork();
    if (watchdog->watcher == 0)
        watch(watchdog);
    if (watchdog->watcher > 0)
        return watchdog;
    perror("fork");
    munmap(watchdog, sizeof(*watchdog));
    return NULL;
}

void status_watchdog_stop(struct status_watchdog *watchdog)
{
    event_count_advance(&watchdog->end);
    waitpid(watchdog->watcher, NULL, 0);
    munmap(watchdog, sizeof(*watchdog));
}

int status_watchdog_read(struct status_watchdog *watchdog, struct mount_status *status)
{
    atomic_store(&watchdog->asked, now_seconds() + 1);
    int error = read_mount_status(watchdog->mountpoint, status);
    atomic_store(&watchdog->asked, 0);
    if (error == 0)
        atomic_store(&watchdog->keeper, status->keeper);
    return error;
}
