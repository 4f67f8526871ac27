// SPDX-License-Identifier: BSD-2-Clause
//
// The cost of a mount that nobody uses: how often its processes wake up in ten seconds.
#include "work.h"

#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/api/shmap.h"
#include "process.h"

enum {
    SETTLE_SECONDS = 1, // what the works before have left to be done
    IDLE_SECONDS = 10,
};

// The processes that serve a mount: one; or a keeper and its children.
struct crew {
    pid_t leader;
    bool with_children;
    uint64_t switches; // of all of them, when they were counted
};

static struct crew find_crew(const struct subject *subject)
{
    struct shmap_status status;

    if (shmap_status_get(subject->path, &status) < 0 || status.keeper == 0)
        return (struct crew){ .leader = subject->daemon };
    return (struct crew){ .leader = (pid_t)status.keeper, .with_children = true };
}

static int add_switches(pid_t pid, void *argument)
{
    struct crew *crew = argument;
    uint64_t count;

    if (pid != crew->leader && !(crew->with_children && process_parent(pid) == crew->leader))
        return 0;
    int error = process_switches(pid, &count);
    crew->switches += count;
    return error;
}

static int count_switches(struct crew *crew)
{
    crew->switches = 0;
    return process_each(add_switches, crew);
}

// Lets time pass: that is what is measured.
static int await_seconds(int seconds)
{
    struct itimerspec when = { .it_value.tv_sec = seconds };
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    struct pollfd event = { .fd = timer, .events = POLLIN };
    int error = 0;

    if (timer < 0)
        return -errno;
    if (timerfd_settime(timer, 0, &when, NULL) < 0 || poll(&event, 1, (seconds + 1) * 1000) < 0)
        error = -errno;
    close(timer);
    return error;
}

static int run_idle(struct subject *subject, double *wakeups)
{
    struct crew crew = find_crew(subject);
    uint64_t before;

    if (crew.leader == 0)
        return subject_refuse(subject, -ESRCH, "no process serves it");
    int error = await_seconds(SETTLE_SECONDS);
    if (error == 0)
        error = count_switches(&crew);
    before = crew.switches;
    if (error == 0)
        error = await_seconds(subject->quick ? 1 : IDLE_SECONDS);
    if (error == 0)
        error = count_switches(&crew);
    *wakeups = (double)(crew.switches - before);
    return error;
}

static const struct work works[] = {
    { .name = "idle", .unit = "wake-ups", .once = true, .rounds_at_most = 1, .run = run_idle },
};

const struct work_group idle_works = {
    .works = works,
    .count = sizeof(works) / sizeof(works[0]),
};
