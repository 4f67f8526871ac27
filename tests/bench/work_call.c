// SPDX-License-Identifier: BSD-2-Clause
#include "work.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 4096, FILE_SIZE = 64 << 20, LAPS = 4 };

typedef ssize_t (*transfer_fn)(int fd, off_t offset);

static ssize_t write_block(int fd, off_t offset)
{
    static const char block[BLOCK] = "written";

    return pwrite(fd, block, BLOCK, offset);
}

static ssize_t read_block(int fd, off_t offset)
{
    char block[BLOCK];

    return pread(fd, block, BLOCK, offset);
}

static int transfer(int fd, transfer_fn transfer_block)
{
    for (off_t offset = 0; offset < FILE_SIZE; offset += BLOCK) {
        ssize_t length = transfer_block(fd, offset);

        if (length != BLOCK)
            return length < 0 ? -errno : -EIO;
    }
    return 0;
}

// The file's blocks exist before: that they have to be found is not what these works ask. It has
// its size before them, or chance decides how many huge pages it gets.
static int begin(struct subject *subject)
{
    int error = subject_create(subject);

    if (error == 0 && ftruncate(subject->fd, FILE_SIZE) < 0)
        error = -errno;
    return error < 0 ? error : transfer(subject->fd, write_block);
}

static int time_transfer(struct subject *subject, transfer_fn transfer_block, double *seconds)
{
    double start = work_clock();

    for (int lap = 0; lap < LAPS; lap++) {
        int error = transfer(subject->fd, transfer_block);

        if (error < 0)
            return error;
    }
    *seconds = (work_clock() - start) / (LAPS * (FILE_SIZE / BLOCK));
    return 0;
}

static int run_pwrite(struct subject *subject, double *seconds)
{
    return time_transfer(subject, write_block, seconds);
}

static int run_pread(struct subject *subject, double *seconds)
{
    return time_transfer(subject, read_block, seconds);
}

static const struct work works[] = {
    { .name = "pwrite 4 KiB", .at_most = 1.3, .run = run_pwrite },
    { .name = "pread 4 KiB", .run = run_pread },
};

const struct work_group call_works = {
    .begin = begin,
    .end = subject_remove,
    .works = works,
    .count = sizeof(works) / sizeof(works[0]),
};
