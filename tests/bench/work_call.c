// SPDX-License-Identifier: BSD-2-Clause
//
// read and write, in the order of the file and at random, by one process and by four with a file
// each.
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "parallel.h"

enum { PROCESSES = 4, FILE_SIZE = 32 << 20, SHARE = FILE_SIZE / PROCESSES, SHARE_LAPS = 4 };

// One work of this group.
struct kind {
    ssize_t (*transfer)(int fd, void *block, size_t size, off_t offset);
    size_t block;
    bool random;
};

// The files of a group: one that a process has by itself, and one for each of the four.
struct files {
    int alone;
    int shares[PROCESSES];
    char *block;
};

static ssize_t write_block(int fd, void *block, size_t size, off_t offset)
{
    return pwrite(fd, block, size, offset);
}

static ssize_t read_block(int fd, void *block, size_t size, off_t offset)
{
    return pread(fd, block, size, offset);
}

static int transfer_file(const struct kind *kind, int fd, char *block, size_t size)
{
    const size_t count = size / kind->block;
    uint64_t random = RANDOM_SEED;

    for (size_t i = 0; i < count; i++) {
        size_t where = kind->random ? work_random(&random) % count : i;
        ssize_t length = kind->transfer(fd, block, kind->block, (off_t)(where * kind->block));

        if (length != (ssize_t)kind->block)
            return length < 0 ? -errno : -EIO;
    }
    return 0;
}

// The file's blocks exist before: that they have to be found is not what these works ask. It has
// its size before them, or chance decides how many huge pages it gets.
static int make_file(struct subject *subject, const char *name, size_t size, int *fd)
{
    static const struct kind fill = { .transfer = write_block, .block = 1 << 20 };
    struct files *files = subject->state;

    *fd = openat(subject->dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (*fd < 0 || ftruncate(*fd, (off_t)size) < 0)
        return -errno;
    return transfer_file(&fill, *fd, files->block, size);
}

static void share_name(unsigned index, char name[16])
{
    snprintf(name, 16, "share%u", index);
}

static int begin(struct subject *subject)
{
    struct files *files = calloc(1, sizeof(*files));
    char name[16];

    if (files == NULL)
        return -ENOMEM;
    subject->state = files;
    files->alone = -1;
    for (unsigned i = 0; i < PROCESSES; i++)
        files->shares[i] = -1;
    files->block = calloc(1, 1 << 20);
    if (files->block == NULL)
        return -ENOMEM;
    int error = make_file(subject, "alone", FILE_SIZE, &files->alone);
    for (unsigned i = 0; i < PROCESSES && error == 0; i++) {
        share_name(i, name);
        error = make_file(subject, name, SHARE, &files->shares[i]);
    }
    return error;
}

static void end(struct subject *subject)
{
    struct files *files = subject->state;
    char name[16];

    if (files == NULL)
        return;
    if (files->alone >= 0)
        close(files->alone);
    unlinkat(subject->dir_fd, "alone", 0);
    for (unsigned i = 0; i < PROCESSES; i++) {
        if (files->shares[i] >= 0)
            close(files->shares[i]);
        share_name(i, name);
        unlinkat(subject->dir_fd, name, 0);
    }
    free(files->block);
    free(files);
    subject->state = NULL;
}

static int transfer_alone(struct subject *subject)
{
    const struct files *files = subject->state;

    return transfer_file(subject->work->kind, files->alone, files->block, FILE_SIZE);
}

static int run_alone(struct subject *subject, double *seconds)
{
    const struct kind *kind = subject->work->kind;
    int error = work_fastest(subject, NULL, transfer_alone, seconds);

    *seconds /= (double)(FILE_SIZE / kind->block);
    return error;
}

static int transfer_share(void *argument, unsigned index)
{
    const struct subject *subject = argument;
    const struct files *files = subject->state;
    int error = 0;

    for (int lap = 0; lap < SHARE_LAPS && error == 0; lap++)
        error = transfer_file(subject->work->kind, files->shares[index], files->block, SHARE);
    return error;
}

static int run_four(struct subject *subject, double *seconds)
{
    const struct kind *kind = subject->work->kind;
    int error = parallel_run(PROCESSES, transfer_share, subject, seconds);

    *seconds /= (double)(SHARE_LAPS * (FILE_SIZE / kind->block));
    return error;
}

static const struct kind write_small = { write_block, 4 << 10, false };
static const struct kind write_small_random = { write_block, 4 << 10, true };
static const struct kind read_small = { read_block, 4 << 10, false };
static const struct kind read_small_random = { read_block, 4 << 10, true };
static const struct kind write_big = { write_block, 1 << 20, false };
static const struct kind write_big_random = { write_block, 1 << 20, true };
static const struct kind read_big = { read_block, 1 << 20, false };
static const struct kind read_big_random = { read_block, 1 << 20, true };

static const struct work works[] = {
    { .name = "pwrite 4 KiB", .run = run_alone, .kind = &write_small },
    { .name = "pwrite 4 KiB random", .run = run_alone, .kind = &write_small_random },
    { .name = "pread 4 KiB", .run = run_alone, .kind = &read_small },
    { .name = "pread 4 KiB random", .run = run_alone, .kind = &read_small_random },
    { .name = "pwrite 1 MiB", .run = run_alone, .kind = &write_big },
    { .name = "pwrite 1 MiB random", .run = run_alone, .kind = &write_big_random },
    { .name = "pread 1 MiB", .run = run_alone, .kind = &read_big },
    { .name = "pread 1 MiB random", .run = run_alone, .kind = &read_big_random },
    { .name = "pwrite 4 KiB x4", .run = run_four, .kind = &write_small },
    { .name = "pwrite 4 KiB random x4", .run = run_four, .kind = &write_small_random },
    { .name = "pread 4 KiB x4", .run = run_four, .kind = &read_small },
    { .name = "pread 4 KiB random x4", .run = run_four, .kind = &read_small_random },
    { .name = "pwrite 1 MiB x4", .run = run_four, .kind = &write_big },
    { .name = "pwrite 1 MiB random x4", .run = run_four, .kind = &write_big_random },
    { .name = "pread 1 MiB x4", .run = run_four, .kind = &read_big },
    { .name = "pread 1 MiB random x4", .run = run_four, .kind = &read_big_random },
};

const struct work_group call_works = {
    .begin = begin,
    .end = end,
    .works = works,
    .count = sizeof(works) / sizeof(works[0]),
};
