// SPDX-License-Identifier: BSD-2-Clause
//
// A big file through a mapping: the stores that first make its pages and later ones, the faults that
// map again what is in the page cache, and writing back. Each work finds what the one before left.
#include "work.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

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
    const size_t page = page_size();

    // Emptied, lest a second try meets the pages of the first.
    unmap_subject(subject);
    if (ftruncate(subject->fd, 0) < 0 || ftruncate(subject->fd, (off_t)subject->size) < 0)
        return -errno;
    double start = work_clock();
    int error = map_subject(subject);
    if (error < 0)
        return error;
    for (size_t offset = 0; offset < subject->size; offset += page)
        ((volatile char *)subject->map)[offset] = 1;
    *seconds = work_clock() - start;
    return 0;
}

// The works that follow need the mapping that the first one made, which may have failed.
static int need_mapping(struct subject *subject)
{
    return subject->map != NULL ? 0 : subject_refuse(subject, -EINVAL, "the file cannot be mapped");
}

static int store_all(struct subject *subject)
{
    memset(subject->map, 2, subject->size);
    return 0;
}

static int warm_store(struct subject *subject, double *seconds)
{
    int error = need_mapping(subject);

    return error < 0 ? error : work_fastest(subject, NULL, store_all, seconds);
}

static int forget_mapping(struct subject *subject)
{
    unmap_subject(subject);
    return 0;
}

static int check(struct subject *subject, size_t wrong)
{
    return wrong == 0 ? 0 : subject_refuse(subject, -EIO, "the file is not what was stored");
}

static int touch_all(struct subject *subject)
{
    const size_t page = page_size();
    size_t wrong = 0;
    int error = map_subject(subject);

    if (error < 0)
        return error;
    for (size_t offset = 0; offset < subject->size; offset += page)
        wrong += ((volatile char *)subject->map)[offset] != 2;
    return check(subject, wrong);
}

static int refault(struct subject *subject, double *seconds)
{
    return work_fastest(subject, forget_mapping, touch_all, seconds);
}

// One touch for each sixteenth page: as many as the kernel may map around the one that is missing.
static int touch_some(struct subject *subject)
{
    const size_t page = page_size(), pages = subject->size / page;
    uint64_t random = RANDOM_SEED;
    size_t wrong = 0;
    int error = map_subject(subject);

    if (error < 0)
        return error;
    for (size_t i = 0; i < pages / 16; i++)
        wrong += ((volatile char *)subject->map)[work_random(&random) % pages * page] != 2;
    return check(subject, wrong);
}

static int random_refault(struct subject *subject, double *seconds)
{
    return work_fastest(subject, forget_mapping, touch_some, seconds);
}

static int write_back(struct subject *subject)
{
    return msync(subject->map, subject->size, MS_SYNC) < 0 ? -errno : 0;
}

static int dirty_all(struct subject *subject)
{
    memset(subject->map, 3, subject->size);
    return 0;
}

static int sync_all(struct subject *subject, double *seconds)
{
    int error = need_mapping(subject);

    return error < 0 ? error : work_fastest(subject, dirty_all, write_back, seconds);
}

// All are clean before, by the work before or by the last lap.
static int dirty_few(struct subject *subject)
{
    const size_t page = page_size(), pages = subject->size / page;
    uint64_t random = RANDOM_SEED;

    for (size_t i = 0; i < pages / 100; i++)
        ((volatile char *)subject->map)[work_random(&random) % pages * page] = 4;
    return 0;
}

static int sync_few(struct subject *subject, double *seconds)
{
    int error = need_mapping(subject);

    if (error == 0)
        error = write_back(subject);
    return error < 0 ? error : work_fastest(subject, dirty_few, write_back, seconds);
}

// Three rounds, as some filesystems take seconds for the first.
#define MAP_WORK(text, function)                           \
    {                                                      \
        .name = text, .rounds_at_most = 3, .run = function \
    }

static const struct work works[] = {
    MAP_WORK("mmap first touch", first_touch), MAP_WORK("mmap warm store", warm_store),
    MAP_WORK("mmap refault", refault),         MAP_WORK("mmap random refault", random_refault),
    MAP_WORK("msync all", sync_all),           MAP_WORK("msync 1 %", sync_few),
};

const struct work_group map_works = {
    .begin = subject_create,
    .end = subject_remove,
    .works = works,
    .count = sizeof(works) / sizeof(works[0]),
};
