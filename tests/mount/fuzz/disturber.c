// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/fuzz/disturber.h"

#include "tests/mount/fuzz/sequence.h"
#include "tests/mount/keeper/keeper.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* How long it is from one to the next, how long after the beginning of a call a kill comes, and how
 * long a worker is stopped; at most. */
enum { REST_US = 150000, KILL_US = 300, STOP_MS = 30 };

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * (int64_t)1000000 + now.tv_nsec / 1000;
}

static unsigned below(struct disturber *disturber, unsigned count)
{
    return (unsigned)(fuzz_random(&disturber->random) % count);
}

static int failed(int error, const char *what)
{
    fprintf(stderr, "FAILED: %s: %s\n", what, strerror(-error));
    return error;
}

int disturber_start(struct disturber *disturber, const struct workspace *workspace, uint64_t seed)
{
    struct mount_status status;

    *disturber = (struct disturber){ .workspace = workspace, .random = seed };
    int error = read_mount_status(workspace->mnt, &status);
    if (error < 0)
        return failed(error, "the status");
    if (status.keeper == 0 || status.survival[0] != '\0') {
        printf("the mount's processes are left alone: %s\n", status.survival);
        return -ENOTSUP;
    }
    keeper_standby((pid_t)status.keeper);
    disturber->watchdog = status_watchdog_start(workspace->mnt);
    return disturber->watchdog != NULL ? 0 : -EAGAIN;
}

void disturber_stop(struct disturber *disturber)
{
    status_watchdog_stop(disturber->watchdog);
}

int disturber_prepare(struct disturber *disturber)
{
    struct mount_status status;

    disturber->worker = 0;
    if (now_us() < disturber->due)
        return 0;
    int error = status_watchdog_read(disturber->watchdog, &status);
    if (error < 0)
        return failed(error, "the status");
    disturber->worker = (pid_t)status.pid;
    return 0;
}

static int kill_worker(struct disturber *disturber)
{
    // A call takes some 20 to 200 µs; no wait for an event ends that soon.
    int64_t moment = now_us() + below(disturber, KILL_US);

    while (now_us() < moment)
        ;
    disturber->kills++;
    return kill(disturber->worker, SIGKILL) == 0 ? 0 : failed(-errno, "killing the worker");
}

/* Some of those that are stopped are killed then. */
static int stop_worker(struct disturber *disturber, int answer)
{
    struct pollfd event = { .fd = answer, .events = POLLIN };

    disturber->stops++;
    if (kill(disturber->worker, SIGSTOP) == -1)
        return failed(-errno, "stopping the worker");
    poll(&event, 1, (int)below(disturber, STOP_MS));
    int signal = below(disturber, 4) == 0 ? SIGKILL : SIGCONT;
    disturber->kills += signal == SIGKILL;
    return kill(disturber->worker, signal) == 0 ? 0 : failed(-errno, "continuing the worker");
}

/* To the other binary, and back. */
static int upgrade(struct disturber *disturber)
{
    const char *binary = disturber->upgrades++ % 2 == 0 ? getenv("SHMAPFS_NEXT") : NULL;
    struct program_result result = run_program(shmapctl(), "upgrade", disturber->workspace->mnt,
                                               binary != NULL ? binary : shmapfs(), NULL);

    if (result.status == 0)
        return 0;
    fprintf(stderr, "%s", result.err);
    return failed(-EPROTO, "shmapctl upgrade");
}

int disturber_act(struct disturber *disturber, int answer)
{
    if (disturber->worker == 0)
        return 0;
    unsigned dice = below(disturber, 10);
    int error = dice < 6   ? kill_worker(disturber)
                : dice < 9 ? stop_worker(disturber, answer)
                           : upgrade(disturber);
    disturber->due = now_us() + below(disturber, REST_US);
    return error;
}
