// SPDX-License-Identifier: BSD-2-Clause
//
// The cost of calls while a mount has many files to keep in mind: all were made through it, and the
// kernel still knows them. They lie in directories of a thousand each. The calls go to files that
// are spread over all of them: always to the same thousand, so that what is compared is the number
// of files known and not how many of them fit into the processor's caches; or, in the works called
// «any», to more than the caches of the processor and of the daemon hold.
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/api/shmap.h"
#include "names.h"
#include "parallel.h"
#include "process.h"
#include "tests/mount/harness/sandbox.h"

enum {
    FILES_EACH = 1000, // in a directory
    SAMPLE = 1000,
    SAMPLE_ANY = 20000,
    OPEN_LAPS = 3,
    STAT_LAPS = 5,
    MAKERS = 2,
    SPREAD = 7919, // a prime that divides no power of ten: no number comes twice
};

struct known {
    int dir_fd; // or -1
    unsigned files;
    bool created;         // the sample's other names are there
    uint64_t base_memory; // of the daemon, when it knew FILES_EACH files
};

// The directories from first to last, each with its files, by several processes.
struct range {
    int dir_fd;
    unsigned first, last;
};

static int make_directories(void *argument, unsigned index)
{
    const struct range *range = argument;
    char name[NAME_SIZE];
    int error = 0;

    for (unsigned i = range->first + index; i < range->last && error == 0; i += MAKERS) {
        name_write(name, KIND_DIRECTORY, i);
        int fd = names_open_directory(range->dir_fd, name);
        error =
            fd < 0 ? fd : names_call(&(struct names){ fd, KIND_FILE, 0, FILES_EACH }, name_make);
        if (fd >= 0)
            close(fd);
    }
    return error;
}

// By the names that are known: to read the directories would take half as long again.
static int remove_directory(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    int error = names_call(&(struct names){ fd, KIND_FILE, 0, FILES_EACH }, name_clear);
    close(fd);
    return error < 0 ? error : name_rmdir(dir_fd, name);
}

static int remove_directories(void *argument, unsigned index)
{
    const struct range *range = argument;
    char name[NAME_SIZE];
    int error = 0;

    for (unsigned i = range->first + index; i < range->last && error == 0; i += MAKERS) {
        name_write(name, KIND_DIRECTORY, i);
        error = remove_directory(range->dir_fd, name);
    }
    return error;
}

// Why the side is spared the most that can be known; NULL: it is not. It takes some minutes.
static const char *reason_to_spare(const struct subject *subject)
{
    struct shmap_status status;

    if (subject->daemon != 0 && shmap_status_get(subject->path, &status) < 0)
        return "a million files are made only on ours and on what we are made of";
    if (subject->side->needs_io_uring)
        return "a million files are made only without io_uring: the tables are the same";
    return NULL;
}

// Checks that the kernel still knows them: it may forget what nobody uses.
static int check_known(struct subject *subject, unsigned files)
{
    struct shmap_status status;

    if (shmap_status_get(subject->path, &status) < 0)
        return 0; // not ours: nobody to ask
    if (status.nodes < files)
        return subject_refuse(subject, -ENOMEM, "the kernel knows %llu of %u files",
                              (unsigned long long)status.nodes, files);
    return 0;
}

static int make_files(struct subject *subject, struct known *known)
{
    struct range range = { .dir_fd = known->dir_fd, .last = 1 };
    double seconds;
    int error = parallel_run(MAKERS, make_directories, &range, &seconds);

    // Nothing is asked later of a daemon that is not there, or says nothing.
    if (error == 0 && subject->daemon != 0)
        process_memory(subject->daemon, &known->base_memory);
    range = (struct range){ known->dir_fd, 1, known->files / FILES_EACH };
    if (error == 0)
        error = parallel_run(MAKERS, make_directories, &range, &seconds);
    if (error < 0)
        return subject_refuse(subject, error, "making %u files: %s", known->files,
                              strerror(-error));
    return check_known(subject, known->files);
}

static int begin(struct subject *subject, unsigned files)
{
    struct known *known = malloc(sizeof(*known));
    char path[PATH_MAX];

    if (known == NULL)
        return -ENOMEM;
    subject->state = known;
    names_directory(subject, "known", path);
    *known = (struct known){
        .dir_fd = names_open_directory(AT_FDCWD, path),
        .files = files,
    };
    return known->dir_fd < 0 ? known->dir_fd : make_files(subject, known);
}

// The path of one of the files, or of one beside it.
static void write_path(char path[NAME_PATH_SIZE], const struct known *known, char kind,
                       unsigned index)
{
    unsigned number = index * SPREAD % known->files;

    name_write(path, KIND_DIRECTORY, number / FILES_EACH);
    path[NAME_LENGTH] = '/';
    name_write(path + NAME_LENGTH + 1, kind, number % FILES_EACH);
}

static int call_sample(const struct known *known, unsigned count, char kind, name_call call)
{
    char path[NAME_PATH_SIZE];
    int error = 0;

    for (unsigned i = 0; i < count && error == 0; i++) {
        write_path(path, known, kind, i);
        error = call(known->dir_fd, path);
    }
    return error;
}

static int time_sample(const struct known *known, unsigned count, char kind, name_call call,
                       double *seconds)
{
    double start = work_clock();
    int error = call_sample(known, count, kind, call);

    *seconds = (work_clock() - start) / count;
    return error;
}

static int want_created(struct known *known, bool created)
{
    int error = 0;

    if (known->created != created)
        error = call_sample(known, SAMPLE, KIND_OTHER, created ? name_make : name_unlink);
    if (error == 0)
        known->created = created;
    return error;
}

static int remove_files(struct known *known)
{
    struct range range = { .dir_fd = known->dir_fd, .last = known->files / FILES_EACH };
    double seconds;
    int error = want_created(known, false);

    return error < 0 ? error : parallel_run(MAKERS, remove_directories, &range, &seconds);
}

static void end(struct subject *subject)
{
    struct known *known = subject->state;
    char path[PATH_MAX];

    if (known == NULL)
        return;
    names_directory(subject, "known", path);
    int error = known->dir_fd >= 0 ? remove_files(known) : 0;
    // The files that a work left half done have other names.
    if (error < 0 || rmdir(path) < 0)
        error = sandbox_remove_tree(path);
    if (error < 0)
        fprintf(stderr, "bench: %s cannot be removed: %s\n", path, strerror(-error));
    if (known->dir_fd >= 0)
        close(known->dir_fd);
    free(known);
}

static int run_create(struct subject *subject, double *seconds)
{
    struct known *known = subject->state;
    int error = want_created(known, false);

    if (error == 0)
        error = time_sample(known, SAMPLE, KIND_OTHER, name_create, seconds);
    known->created = error == 0;
    return error;
}

static int run_unlink(struct subject *subject, double *seconds)
{
    struct known *known = subject->state;
    int error = want_created(known, true);

    if (error == 0)
        error = time_sample(known, SAMPLE, KIND_OTHER, name_unlink, seconds);
    known->created = error != 0;
    return error;
}

static int run_rename(struct subject *subject, double *seconds)
{
    struct known *known = subject->state;
    int error = want_created(known, false);

    if (error == 0)
        error = time_sample(known, SAMPLE, KIND_FILE, name_rename, seconds);
    return error < 0 ? error : call_sample(known, SAMPLE, KIND_FILE, name_rename_back);
}

// For calls that one lap of would be over before the clock is worth reading.
static int time_laps(const struct known *known, name_call call, unsigned laps, double *seconds)
{
    double lap, sum = 0;
    int error = call_sample(known, SAMPLE, KIND_FILE, call); // not timed: it warms

    for (unsigned i = 0; i < laps && error == 0; i++) {
        error = time_sample(known, SAMPLE, KIND_FILE, call, &lap);
        sum += lap;
    }
    *seconds = sum / laps;
    return error;
}

static int run_open(struct subject *subject, double *seconds)
{
    return time_laps(subject->state, name_open, OPEN_LAPS, seconds);
}

static int run_stat(struct subject *subject, double *seconds)
{
    return time_laps(subject->state, name_stat, STAT_LAPS, seconds);
}

static int run_open_any(struct subject *subject, double *seconds)
{
    return time_sample(subject->state, SAMPLE_ANY, KIND_FILE, name_open, seconds);
}

// The first lap is not timed: it fetches the attributes of files that were open for writing.
static int run_stat_any(struct subject *subject, double *seconds)
{
    int error = call_sample(subject->state, SAMPLE_ANY, KIND_FILE, name_stat);

    return error < 0 ? error
                     : time_sample(subject->state, SAMPLE_ANY, KIND_FILE, name_stat, seconds);
}

// The growth of the daemon for each file that it came to know. The order of the groups sees to it
// that it never knew as many before: a table does not shrink.
static int run_memory(struct subject *subject, double *bytes)
{
    const struct known *known = subject->state;
    uint64_t memory;

    if (subject->daemon == 0)
        return subject_refuse(subject, -ESRCH, "no process serves it");
    int error = process_memory(subject->daemon, &memory);
    if (error == 0 && known->base_memory == 0)
        error = -ENODATA;
    *bytes = ((double)memory - (double)known->base_memory) / (known->files - FILES_EACH);
    return error;
}

static int run_descriptors(struct subject *subject, double *descriptors)
{
    unsigned count;

    if (subject->daemon == 0)
        return subject_refuse(subject, -ESRCH, "no process serves it");
    int error = process_descriptors(subject->daemon, &count);
    *descriptors = count;
    return error;
}

static int begin_1k(struct subject *subject)
{
    return begin(subject, 1000);
}

static int begin_100k(struct subject *subject)
{
    return begin(subject, 100000);
}

static int begin_1M(struct subject *subject)
{
    const char *reason = reason_to_spare(subject);

    return reason != NULL ? subject_refuse(subject, -ECANCELED, "%s", reason)
                          : begin(subject, 1000000);
}

// clang-format off
#define KNOWN_WORK(text, tried_once, function) \
    { .name = text, .rounds_at_most = 1, .once = (tried_once), .run = function }

#define KNOWN_WORKS(files)                                          \
    KNOWN_WORK(files " known: open+close", false, run_open),        \
    KNOWN_WORK(files " known: open+close any", true, run_open_any), \
    KNOWN_WORK(files " known: create+close", false, run_create),    \
    KNOWN_WORK(files " known: unlink", false, run_unlink),          \
    KNOWN_WORK(files " known: rename", false, run_rename),          \
    KNOWN_WORK(files " known: stat warm", false, run_stat),         \
    KNOWN_WORK(files " known: stat any", true, run_stat_any)
// clang-format on

#define KNOWN_GROUP(files, many)                                   \
    const struct work_group known_works_##files = {                \
        .begin = begin_##files,                                    \
        .end = end,                                                \
        .works = works_##files,                                    \
        .count = sizeof(works_##files) / sizeof(works_##files[0]), \
        .dear = (many),                                            \
    }

// Many files are dear: one round is enough, and few files are compared with them in the same.
static const struct work works_1k[] = { KNOWN_WORKS("1k") };
static const struct work works_100k[] = { KNOWN_WORKS("100k") };
static const struct work works_1M[] = {
    KNOWN_WORKS("1M"),
    { .name = "memory per known file",
      .unit = "bytes",
      .once = true,
      .rounds_at_most = 1,
      .run = run_memory },
    { .name = "descriptors",
      .unit = "descriptors",
      .once = true,
      .rounds_at_most = 1,
      .run = run_descriptors },
};

KNOWN_GROUP(1k, false);
KNOWN_GROUP(100k, true);
KNOWN_GROUP(1M, true);
