// SPDX-License-Identifier: BSD-2-Clause
//
// Two processes on two processors that hand a cache line to and fro, each through a mapping of its
// own of the same file.
#include "work.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "parallel.h"

enum { LAPS = 20, HANDOVERS = 10000, SPINS = 1 << 20, PATIENCE = 10 };

// The two processes know this of each other, apart from the file.
struct match {
    const struct subject *subject;
    double fastest; // lap, as the first process has it
};

static int begin(struct subject *subject)
{
    int error = subject_create(subject);

    if (error == 0 && ftruncate(subject->fd, sysconf(_SC_PAGESIZE)) < 0)
        error = -errno;
    return error;
}

// The first of the processors that are there, or the last: they share the least.
static int stay_on_processor(bool last)
{
    cpu_set_t allowed, chosen;
    int which = -1;

    if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
        return -errno;
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &allowed) && (which < 0 || last))
            which = i;
    }
    CPU_ZERO(&chosen);
    CPU_SET(which, &chosen);
    return sched_setaffinity(0, sizeof(chosen), &chosen) < 0 ? -errno : 0;
}

// The other one may have died.
static int await(atomic_uint *ball, unsigned value)
{
    double start = 0;

    for (unsigned spins = 0; atomic_load_explicit(ball, memory_order_acquire) != value; spins++) {
        if (spins % SPINS != SPINS - 1)
            continue;
        if (start == 0)
            start = work_clock();
        else if (work_clock() - start > PATIENCE)
            return -ETIMEDOUT;
    }
    return 0;
}

// The first process makes the ball odd, the second even.
static int play(atomic_uint *ball, unsigned index, double *fastest)
{
    int error = 0;

    for (unsigned lap = 0, value = 0; lap < LAPS; lap++) {
        double start = work_clock();

        for (unsigned i = 0; i < HANDOVERS && error == 0; i++, value += 2) {
            error = await(ball, value + index);
            atomic_store_explicit(ball, value + index + 1, memory_order_release);
        }
        if (error < 0)
            return error;
        *fastest = fmin(*fastest, work_clock() - start);
    }
    return 0;
}

static int take_part(void *argument, unsigned index)
{
    struct match *match = argument;
    double fastest = INFINITY;
    int error = stay_on_processor(index == 1);
    int fd = subject_open_again(match->subject);

    if (error < 0 || fd < 0)
        return error < 0 ? error : fd;
    atomic_uint *ball = mmap(NULL, sizeof(*ball), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ball == MAP_FAILED)
        return -errno;
    error = play(ball, index, &fastest);
    if (index == 0)
        match->fastest = fastest;
    return error;
}

static int run_pingpong(struct subject *subject, double *seconds)
{
    double whole;

    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        return subject_refuse(subject, -ENODEV, "there is one processor only");
    // Back to where a match starts.
    unsigned zero = 0;
    if (pwrite(subject->fd, &zero, sizeof(zero), 0) != sizeof(zero))
        return -errno;
    struct match *match =
        mmap(NULL, sizeof(*match), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (match == MAP_FAILED)
        return -errno;
    match->subject = subject;
    int error = parallel_run(2, take_part, match, &whole);
    *seconds = match->fastest / HANDOVERS;
    munmap(match, sizeof(*match));
    return error;
}

static const struct work works[] = {
    { .name = "ping-pong", .run = run_pingpong },
};

const struct work_group pingpong_works = {
    .begin = begin,
    .end = subject_remove,
    .works = works,
    .count = sizeof(works) / sizeof(works[0]),
};
