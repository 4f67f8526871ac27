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

enum { LONGEST_SECONDS = 60 };

/* In memory that both processes share. */
struct survive_watch {
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

static _Noreturn void keep_watch(struct survive_watch *watch)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (event_count_read(&watch->end) == 0) {
        int64_t asked = atomic_load(&watch->asked);
        if (asked != 0 && now_seconds() - asked > LONGEST_SECONDS) {
            fprintf(stderr, "FAILED: the mount has not told its status for %d s\n",
                    LONGEST_SECONDS);
            if (atomic_load(&watch->keeper) != 0)
                kill((pid_t)atomic_load(&watch->keeper), SIGKILL);
            _exit(EXIT_FAILURE);
        }
        event_count_await(&watch->end, 0);
    }
    _exit(EXIT_SUCCESS);
}

struct survive_watch *survive_watch_start(const char *mountpoint)
{
    struct survive_watch *watch = load_memory(sizeof(*watch));

    watch->mountpoint = mountpoint;
    fflush(NULL);
    watch->watcher = fork();
    if (watch->watcher == 0)
        keep_watch(watch);
    if (watch->watcher > 0)
        return watch;
    perror("fork");
    munmap(watch, sizeof(*watch));
    return NULL;
}

void survive_watch_stop(struct survive_watch *watch)
{
    event_count_advance(&watch->end);
    waitpid(watch->watcher, NULL, 0);
    munmap(watch, sizeof(*watch));
}

int survive_watch_status(struct survive_watch *watch, struct survive_status *status)
{
    atomic_store(&watch->asked, now_seconds() + 1);
    int error = survive_status(watch->mountpoint, status);
    atomic_store(&watch->asked, 0);
    if (error == 0)
        atomic_store(&watch->keeper, status->keeper);
    return error;
}
