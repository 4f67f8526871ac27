// SPDX-License-Identifier: BSD-2-Clause
//
// Saving a few random pages of a file through a mapping: where the file is as of its last commit
// after a crash, and where pages just go to the disk. And what is done instead where files are in
// RAM: rsync copies the whole file to the disk.
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"
#include "tests/mount/harness/sandbox.h"

enum {
    MIB = 1 << 20,
    SIZE_MOST = 256 * MIB, // less than the mapped file of others: all of it is written first
    PAGE = 4096,
    LAPS_LEAST = 5,
    LAPS_MOST = 400,
};

// The laps of a work take so long at least.
static const double seconds_enough = 1;

// From one lap to the next.
struct progress {
    uint64_t random;
    double laps[LAPS_MOST];
};

static bool is_compared(const struct side *side)
{
    static const char *const names[] = { "atomic", "checkpoint", "persist",      "directory",
                                         "tmpfs",  "floor",      "floor-leaders" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(side->name, names[i]) == 0)
            return true;
    }
    return false;
}

static int fill(int fd, size_t size)
{
    char *block = malloc(MIB);
    int error = block == NULL ? -ENOMEM : 0;

    if (error == 0)
        memset(block, 1, MIB);
    for (size_t offset = 0; offset < size && error == 0; offset += MIB) {
        if (pwrite(fd, block, MIB, (off_t)offset) != MIB)
            error = -errno;
    }
    free(block);
    return error == 0 && fsync(fd) < 0 ? -errno : error;
}

// Big writes leave big pieces in the page cache, of which the kernel writes all when one page is
// dirty, and a program that has just been started finds pages that came one by one. Both are
// measured.
static int map_pages(struct subject *subject)
{
    if (posix_fadvise(subject->fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
        return -EINVAL;
    char *map = mmap(NULL, subject->size, PROT_READ | PROT_WRITE, MAP_SHARED, subject->fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    subject->map = map;
    return madvise(map, subject->size, MADV_RANDOM) < 0 ? -errno : 0;
}

static int begin(struct subject *subject)
{
    struct progress *progress;

    if (!is_compared(subject->side))
        return subject_refuse(subject, -ECANCELED,
                              "it is for directories with commits and what they are compared with");
    if (subject->size > SIZE_MOST)
        subject->size = SIZE_MOST;
    subject->state = progress = malloc(sizeof(*progress));
    if (progress == NULL)
        return -ENOMEM;
    progress->random = RANDOM_SEED;
    int error = subject_create(subject);
    if (error == 0)
        error = fill(subject->fd, subject->size);
    return error == 0 ? map_pages(subject) : error;
}

static void end(struct subject *subject)
{
    subject_remove(subject);
    free(subject->state);
}

static void store_pages(struct subject *subject, size_t count)
{
    struct progress *progress = subject->state;

    for (size_t i = 0; i < count; i++) {
        size_t page = work_random(&progress->random) % (subject->size / PAGE);

        memset(subject->map + page * PAGE, (int)(progress->random & 0xff), PAGE);
    }
}

static int compare(const void *one, const void *other)
{
    const double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

// The median: now and then the disk, or what was committed before and goes to its place, is in the
// way of one lap.
static int time_saves(struct subject *subject, size_t pages, double *seconds)
{
    double *laps = ((struct progress *)subject->state)->laps;
    const double begun = work_clock();
    size_t count = 0;

    while (count < LAPS_LEAST || (count < LAPS_MOST && work_clock() - begun < seconds_enough)) {
        store_pages(subject, pages);
        double start = work_clock();

        if (msync(subject->map, subject->size, MS_SYNC) < 0)
            return -errno;
        laps[count++] = work_clock() - start;
    }
    qsort(laps, count, sizeof(laps[0]), compare);
    *seconds = laps[count / 2];
    return 0;
}

static int run_msync(struct subject *subject, double *seconds)
{
    return time_saves(subject, *(const size_t *)subject->work->kind, seconds);
}

static int run_msync_written(struct subject *subject, double *seconds)
{
    int error = 0;

    if (madvise(subject->map, subject->size, MADV_DONTNEED) < 0 ||
        posix_fadvise(subject->fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
        error = -EINVAL;
    if (error == 0)
        error = fill(subject->fd, subject->size);
    return error == 0 ? run_msync(subject, seconds) : error;
}

static size_t hundredth(const struct subject *subject)
{
    return subject->size / PAGE / 100;
}

static int run_save(struct subject *subject, double *seconds)
{
    return time_saves(subject, hundredth(subject), seconds);
}

// Until the copy is on the disk, as a save is. rsync is told to believe no times: stores in a
// mapping that is writable already do not change them everywhere.
static int time_rsync(struct subject *subject, const char *copy, double *seconds)
{
    char file[PATH_MAX];
    const char *const argv[] = { "rsync", "-aI", file, copy, NULL };

    snprintf(file, sizeof(file), "%s/subject", subject->path);
    int error = program_run(subject, subject->path, argv); // not timed: the copy is there
    if (error == 0)
        error = work_sync(subject->scratch);
    store_pages(subject, hundredth(subject));
    double start = work_clock();
    if (error == 0)
        error = program_run(subject, subject->path, argv);
    if (error == 0)
        error = work_sync(subject->scratch);
    *seconds = work_clock() - start;
    return error;
}

static int run_rsync(struct subject *subject, double *seconds)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof(copy), "%s/copy-%s", subject->scratch, subject->side->name);
    int error = mkdir(copy, 0755) < 0 && errno != EEXIST ? -errno : 0;
    if (error == 0)
        error = time_rsync(subject, copy, seconds);
    sandbox_remove_tree(copy);
    return error;
}

static const size_t page_counts[] = { 1, 16, 256, 4096 };

static const struct work works[] = {
    { .name = "msync 1 random", .once = true, .run = run_msync, .kind = &page_counts[0] },
    { .name = "msync 16 random", .once = true, .run = run_msync, .kind = &page_counts[1] },
    { .name = "msync 256 random", .once = true, .run = run_msync, .kind = &page_counts[2] },
    { .name = "msync 4096 random", .once = true, .run = run_msync, .kind = &page_counts[3] },
    { .name = "save 1 %", .once = true, .run = run_save },
    { .name = "rsync 1 %", .once = true, .run = run_rsync },
    { .name = "msync 1 written", .once = true, .run = run_msync_written, .kind = &page_counts[0] },
    { .name = "msync 16 written", .once = true, .run = run_msync_written, .kind = &page_counts[1] },
    { .name = "msync 256 written",
      .once = true,
      .run = run_msync_written,
      .kind = &page_counts[2] },
};

const struct work_group commit_works = {
    .begin = begin,
    .end = end,
    .works = works,
    .count = sizeof(works) / sizeof(works[0]),
    .anywhere = true,
};
