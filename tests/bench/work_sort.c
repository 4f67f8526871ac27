// SPDX-License-Identifier: BSD-2-Clause
//
// Sorting more than the sort has memory for: its temporary files are on the side, written, read
// once and removed; the lines are elsewhere, and the result is nowhere. With the usual size of the
// mapped file there are 4 GiB of lines.
#include "work.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "names.h"
#include "program.h"
#include "tests/mount/harness/sandbox.h"

// Of the size of the mapped file, so much is sorted, with so much memory.
enum { TIMES = 4, MEMORY_PART = 4 };

// A line, as benchmarks of sorting have it: a key and something behind it.
enum { LINE_SIZE = 100 };

static bool is_compared(const struct side *side)
{
    static const char *const names[] = { "scratch", "persist", "directory", "tmpfs" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(side->name, names[i]) == 0)
            return true;
    }
    return false;
}

// The bytes that the machine can give away.
static size_t memory_available(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    char line[128];
    size_t kibibytes = 0;

    while (file != NULL && kibibytes == 0 && fgets(line, sizeof(line), file) != NULL)
        sscanf(line, "MemAvailable: %zu", &kibibytes);
    if (file != NULL)
        fclose(file);
    return kibibytes << 10;
}

static int write_lines(const char *path, size_t bytes)
{
    FILE *file = fopen(path, "we");
    uint64_t random = RANDOM_SEED;

    if (file == NULL)
        return -errno;
    for (size_t done = 0; done < bytes; done += LINE_SIZE) {
        char line[LINE_SIZE + 1];

        snprintf(line, sizeof(line), "%016" PRIx64 "%082zu\n", work_random(&random), done);
        fputs(line, file);
    }
    return fclose(file) == 0 ? 0 : -errno;
}

// Makes what is to be sorted, unless another side has.
static int make_input(const struct subject *subject, char path[PATH_MAX])
{
    char begun[PATH_MAX + 8];
    int error;

    snprintf(path, PATH_MAX, "%s/lines", subject->scratch);
    if (access(path, R_OK) == 0)
        return 0;
    snprintf(begun, sizeof(begun), "%s.begun", path);
    error = write_lines(begun, TIMES * subject->size);
    return error == 0 && rename(begun, path) < 0 ? -errno : error;
}

static int begin(struct subject *subject)
{
    if (!is_compared(subject->side))
        return subject_refuse(subject, -ECANCELED,
                              "it is for scratch directories and what they are compared with");
    if (subject->side->in_memory && memory_available() < 2 * TIMES * subject->size)
        return subject_refuse(subject, -ENOMEM, "it takes %zu MiB of memory that is free",
                              2 * TIMES * subject->size >> 20);
    return 0;
}

static int run_sort(struct subject *subject, double *seconds)
{
    char directory[PATH_MAX], input[PATH_MAX], memory[32];
    const char *const argv[] = { "sort", "-T",        directory, "-S", memory,
                                 "-o",   "/dev/null", input,     NULL };
    int error = make_input(subject, input);

    names_directory(subject, "sort", directory);
    snprintf(memory, sizeof(memory), "%zuK", subject->size / MEMORY_PART >> 10);
    if (error == 0 && mkdir(directory, 0755) < 0 && errno != EEXIST)
        error = -errno;
    if (error == 0)
        error = work_sync(subject->scratch);
    if (error == 0)
        error = program_time(subject, subject->path, argv, seconds);
    sandbox_remove_tree(directory);
    return error;
}

static const struct work works[] = {
    { .name = "sort", .once = true, .rounds_at_most = 1, .run = run_sort },
};

const struct work_group sort_works = {
    .begin = begin,
    .works = works,
    .count = sizeof(works) / sizeof(works[0]),
};
