// SPDX-License-Identifier: BSD-2-Clause
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CALLS = 3000 };

typedef int (*call_fn)(int dir_fd);

static int open_close(int dir_fd)
{
    int fd = openat(dir_fd, "subject", O_RDWR | O_CLOEXEC);

    return fd < 0 || close(fd) < 0 ? -errno : 0;
}

static int create_close_unlink(int dir_fd)
{
    int fd = openat(dir_fd, "created", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    return fd < 0 || close(fd) < 0 || unlinkat(dir_fd, "created", 0) < 0 ? -errno : 0;
}

static int stat_by_name(int dir_fd)
{
    struct stat st;

    return fstatat(dir_fd, "subject", &st, 0) < 0 ? -errno : 0;
}

static int time_calls(struct subject *subject, call_fn call, double *seconds)
{
    double start = work_clock();

    for (int i = 0; i < CALLS; i++) {
        int error = call(subject->dir_fd);

        if (error < 0)
            return error;
    }
    *seconds = (work_clock() - start) / CALLS;
    return 0;
}

// The file is closed again, or a file that somebody writes to would be what is looked at.
static int begin(struct subject *subject)
{
    int error = subject_create(subject);

    if (error == 0) {
        close(subject->fd);
        subject->fd = -1;
    }
    return error;
}

static int run_open(struct subject *subject, double *seconds)
{
    return time_calls(subject, open_close, seconds);
}

static int run_create(struct subject *subject, double *seconds)
{
    return time_calls(subject, create_close_unlink, seconds);
}

static int run_stat(struct subject *subject, double *seconds)
{
    return time_calls(subject, stat_by_name, seconds);
}

static const struct work works[] = {
    { .name = "open+close", .run = run_open },
    { .name = "create+close+unlink", .run = run_create },
    { .name = "stat", .run = run_stat },
};

const struct work_group name_works = {
    .begin = begin,
    .end = subject_remove,
    .works = works,
    .count = sizeof(works) / sizeof(works[0]),
};
