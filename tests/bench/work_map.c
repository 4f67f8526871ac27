// SPDX-License-Identifier: BSD-2-Clause
#include "work.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int map_subject(struct subject *subject)
{
    char *map = mmap(NULL, subject->size, PROT_READ | PROT_WRITE, MAP_SHARED, subject->fd, 0);

    if (map == MAP_FAILED)
        return -errno;
    subject->map = map;
    return 0;
}

static void unmap_subject(struct subject *subject)
{
    if (subject->map != NULL)
        munmap(subject->map, subject->size);
    subject->map = NULL;
}

static int first_touch(struct subject *subject, double *seconds)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int error;

    // Emptied, lest a second try meets the pages of the first.
    unmap_subject(subject);
    if (ftruncate(subject->fd, 0) < 0 || ftruncate(subject->fd, (off_t)subject->size) < 0)
        return -errno;
    double start = work_clock();
    error = map_subject(subject);
    if (error < 0)
        return error;
    for (size_t offset = 0; offset < subject->size; offset += page)
        ((volatile char *)subject->map)[offset] = 1;
    *seconds = work_clock() - start;
    return 0;
}

static int warm_store(struct subject *subject, double *seconds)
{
    double start = work_clock();

    memset(subject->map, 2, subject->size);
    *seconds = work_clock() - start;
    return 0;
}

static int refault(struct subject *subject, double *seconds)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t wrong = 0;
    int error;

    unmap_subject(subject);
    double start = work_clock();
    error = map_subject(subject);
    if (error < 0)
        return error;
    for (size_t offset = 0; offset < subject->size; offset += page)
        wrong += ((volatile char *)subject->map)[offset] != 2;
    *seconds = work_clock() - start;
    return wrong == 0 ? 0 : -EIO;
}

static int sync_dirty(struct subject *subject, double *seconds)
{
    double start;

    memset(subject->map, 3, subject->size);
    start = work_clock();
    if (msync(subject->map, subject->size, MS_SYNC) < 0)
        return -errno;
    *seconds = work_clock() - start;
    return 0;
}

static const struct work works[] = {
    { .name = "mmap first touch", .at_most = 1.05, .run = first_touch },
    { .name = "mmap warm store", .at_most = 1.05, .run = warm_store },
    { .name = "mmap refault", .at_most = 1.05, .run = refault },
    { .name = "msync", .once = true, .run = sync_dirty },
};

const struct work_group map_works = {
    .begin = subject_create,
    .end = subject_remove,
    .works = works,
    .count = sizeof(works) / sizeof(works[0]),
};
