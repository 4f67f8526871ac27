// SPDX-License-Identifier: BSD-2-Clause
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

// The works that make very many files come last: they leave tables in the daemons, and a filesystem
// without a journal, larger and slower than they were. The one that makes the most comes first of
// these, as tables do not shrink and what they grow by is measured.
// clang-format off
const struct work_group *const work_groups[] = {
    &floor_works, &map_works, &pingpong_works, &call_works, &name_works,
    &last_close_works, &commit_works,
    &readdir_works_10, &readdir_works_1k, &known_works_1k,
    &program_works, &git_works, &sort_works, &sqlite_works, &idle_works,
    &known_works_1M, &known_works_100k, &readdir_works_100k,
};
// clang-format on
const size_t work_group_count = sizeof(work_groups) / sizeof(work_groups[0]);

static const char file_name[] = "subject";

double work_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int work_fastest(struct subject *subject, int (*prepare)(struct subject *subject),
                 int (*lap)(struct subject *subject), double *seconds)
{
    static const double enough = 0.05;
    const double begin = work_clock();

    *seconds = INFINITY;
    do {
        int error = prepare != NULL ? prepare(subject) : 0;
        double start = work_clock();

        if (error == 0)
            error = lap(subject);
        if (error < 0)
            return error;
        *seconds = fmin(*seconds, work_clock() - start);
    } while (work_clock() - begin < enough);
    return 0;
}

int work_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd < 0 || syncfs(fd) < 0 ? -errno : 0;

    if (fd >= 0)
        close(fd);
    return error;
}

uint64_t work_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

int subject_refuse(struct subject *subject, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(subject->reason, REASON_SIZE, format, args);
    va_end(args);
    return error;
}

int subject_create(struct subject *subject)
{
    subject->fd = openat(subject->dir_fd, file_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return subject->fd < 0 ? -errno : 0;
}

int subject_open_again(const struct subject *subject)
{
    int fd = openat(subject->dir_fd, file_name, O_RDWR | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

void subject_remove(struct subject *subject)
{
    if (subject->map != NULL)
        munmap(subject->map, subject->size);
    if (subject->fd >= 0)
        close(subject->fd);
    unlinkat(subject->dir_fd, file_name, 0);
    subject->map = NULL;
    subject->fd = -1;
}
