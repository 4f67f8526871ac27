// SPDX-License-Identifier: BSD-2-Clause
//
// Reading a directory to its end, alone or with a stat of every entry: for the first time after it
// has changed, and again. The value is the time for each entry.
#include "work.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "names.h"

enum {
    BUFFER_SIZE = 32 << 10, // what the C library's readdir asks the kernel for
    ENTRIES_TIMED = 5000,   // in so many laps as that takes
};

struct listing {
    int dir_fd; // or -1
    unsigned files;
};

static int begin(struct subject *subject, unsigned files)
{
    struct listing *listing = malloc(sizeof(*listing));
    char path[PATH_MAX];

    if (listing == NULL)
        return -ENOMEM;
    subject->state = listing;
    names_directory(subject, "listing", path);
    *listing = (struct listing){
        .dir_fd = names_open_directory(AT_FDCWD, path),
        .files = files,
    };
    if (listing->dir_fd < 0)
        return listing->dir_fd;
    int error =
        names_call_together(&(struct names){ listing->dir_fd, KIND_FILE, 0, files }, name_make);
    return error < 0
               ? subject_refuse(subject, error, "making %u files: %s", files, strerror(-error))
               : 0;
}

static void end(struct subject *subject)
{
    struct listing *listing = subject->state;
    char path[PATH_MAX];

    if (listing == NULL)
        return;
    names_directory(subject, "listing", path);
    if (listing->dir_fd >= 0) {
        // Not all are there when making them has failed.
        names_call_together(&(struct names){ listing->dir_fd, KIND_FILE, 0, listing->files },
                            name_clear);
        close(listing->dir_fd);
    }
    if (rmdir(path) < 0)
        fprintf(stderr, "bench: %s cannot be removed: %s\n", path, strerror(errno));
    free(listing);
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

// Goes through what one call has read; counts the files.
static int read_entries(int fd, const char *buffer, size_t length, bool with_stat, unsigned *files)
{
    for (size_t offset = 0; offset < length;) {
        const struct dirent64 *entry = (const struct dirent64 *)(buffer + offset);

        offset += entry->d_reclen;
        if (is_dots(entry->d_name))
            continue;
        ++*files;
        int error = with_stat ? name_stat(fd, entry->d_name) : 0;
        if (error < 0)
            return error;
    }
    return 0;
}

static int read_directory(const struct listing *listing, bool with_stat)
{
    _Alignas(struct dirent64) char buffer[BUFFER_SIZE];
    unsigned files = 0;
    ssize_t length;
    int error = 0;
    int fd = openat(listing->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    while (error == 0 && (length = getdents64(fd, buffer, sizeof(buffer))) != 0)
        error = length < 0 ? -errno : read_entries(fd, buffer, (size_t)length, with_stat, &files);
    close(fd);
    return error == 0 && files != listing->files ? -EIO : error;
}

static int change_directory(const struct listing *listing)
{
    char name[NAME_SIZE];

    name_write(name, KIND_OTHER, 0);
    int error = name_make(listing->dir_fd, name);
    return error < 0 ? error : name_unlink(listing->dir_fd, name);
}

static int time_reading(struct subject *subject, bool with_stat, bool changed, double *seconds)
{
    const struct listing *listing = subject->state;
    unsigned laps = listing->files < ENTRIES_TIMED ? ENTRIES_TIMED / listing->files : 1;
    double sum = 0;
    int error = read_directory(listing, with_stat); // not timed: it warms

    for (unsigned lap = 0; lap < laps && error == 0; lap++) {
        error = changed ? change_directory(listing) : 0;
        if (error < 0)
            return error;
        double start = work_clock();
        error = read_directory(listing, with_stat);
        sum += work_clock() - start;
    }
    *seconds = sum / (laps * listing->files);
    return error;
}

static int run_again(struct subject *subject, double *seconds)
{
    return time_reading(subject, false, false, seconds);
}

static int run_changed(struct subject *subject, double *seconds)
{
    return time_reading(subject, false, true, seconds);
}

static int run_stat_again(struct subject *subject, double *seconds)
{
    return time_reading(subject, true, false, seconds);
}

static int run_stat_changed(struct subject *subject, double *seconds)
{
    return time_reading(subject, true, true, seconds);
}

static int begin_10(struct subject *subject)
{
    return begin(subject, 10);
}

static int begin_1k(struct subject *subject)
{
    return begin(subject, 1000);
}

static int begin_100k(struct subject *subject)
{
    return begin(subject, 100000);
}

// Works for directories of one size, and their group. The largest is dear: one round is enough.
#define READDIR_WORK(text, large, function)                                               \
    {                                                                                     \
        .name = text, .once = (large), .rounds_at_most = (large) ? 1 : 3, .run = function \
    }

#define READDIR_GROUP(size, large)                                               \
    static const struct work works_##size[] = {                                  \
        READDIR_WORK("readdir " #size, large, run_again),                        \
        READDIR_WORK("readdir " #size " changed", large, run_changed),           \
        READDIR_WORK("readdir+stat " #size, large, run_stat_again),              \
        READDIR_WORK("readdir+stat " #size " changed", large, run_stat_changed), \
    };                                                                           \
    const struct work_group readdir_works_##size = {                             \
        .begin = begin_##size,                                                   \
        .end = end,                                                              \
        .works = works_##size,                                                   \
        .count = sizeof(works_##size) / sizeof(works_##size[0]),                 \
        .dear = (large),                                                         \
    }

READDIR_GROUP(10, false);
READDIR_GROUP(1k, false);
READDIR_GROUP(100k, true);
