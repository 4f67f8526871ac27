// SPDX-License-Identifier: BSD-2-Clause
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

const struct work_group *const work_groups[] = { &map_works, &call_works, &name_works };
const size_t work_group_count = sizeof(work_groups) / sizeof(work_groups[0]);

static const char file_name[] = "subject";

double work_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int subject_create(struct subject *subject)
{
    subject->fd = openat(subject->dir_fd, file_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return subject->fd < 0 ? -errno : 0;
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
