// SPDX-License-Identifier: BSD-2-Clause
//
// People do this with a Git repository: clone it (from the scratch directory, without links to the
// files there), go to another commit and back, see what has changed when nothing has.
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "input.h"
#include "names.h"
#include "program.h"
#include "tests/mount/harness/sandbox.h"

enum { STATUS_CALLS = 10 };

struct repository {
    char source[PATH_MAX];
    char clone[PATH_MAX];
    char older[32]; // a revision that is half the way back to the first
    bool cloned;
};

static int choose_older(struct subject *subject, struct repository *repository)
{
    char count[32];
    const char *const argv[] = { "git",     "--git-dir", repository->source, "rev-list",
                                 "--count", "HEAD",      "--first-parent",   NULL };
    int error = program_ask(subject, subject->scratch, argv, count, sizeof(count));

    if (error < 0)
        return error;
    snprintf(repository->older, sizeof(repository->older), "HEAD~%lu",
             strtoul(count, NULL, 10) / 2);
    return 0;
}

static int begin(struct subject *subject)
{
    struct repository *repository = calloc(1, sizeof(*repository));

    if (repository == NULL)
        return -ENOMEM;
    subject->state = repository;
    names_directory(subject, "clone", repository->clone);
    int error = input_repository(subject, repository->source);
    return error < 0 ? error : choose_older(subject, repository);
}

static int remove_clone(struct repository *repository)
{
    int error = sandbox_remove_tree(repository->clone);

    repository->cloned = false;
    return error == -ENOENT ? 0 : error;
}

static void end(struct subject *subject)
{
    if (subject->state != NULL)
        remove_clone(subject->state);
    free(subject->state);
}

static int run_clone(struct subject *subject, double *seconds)
{
    struct repository *repository = subject->state;
    const char *const argv[] = {
        "git", "clone", "--quiet", "--no-hardlinks", "--", repository->source, repository->clone,
        NULL
    };
    int error = remove_clone(repository);

    if (error == 0)
        error = program_time(subject, subject->scratch, argv, seconds);
    repository->cloned = error == 0;
    return error;
}

static int want_clone(struct subject *subject)
{
    const struct repository *repository = subject->state;
    double seconds;

    return repository->cloned ? 0 : run_clone(subject, &seconds);
}

// The mean of there and back.
static int run_checkout(struct subject *subject, double *seconds)
{
    struct repository *repository = subject->state;
    const char *const there[] = { "git", "checkout", "--quiet", repository->older, NULL };
    const char *const back[] = { "git", "checkout", "--quiet", "-", NULL };
    double first;
    int error = want_clone(subject);

    if (error == 0 && strcmp(repository->older, "HEAD~0") == 0)
        error = subject_refuse(subject, -ENODATA, "the repository has only one commit");
    if (error == 0)
        error = program_time(subject, repository->clone, there, &first);
    if (error == 0)
        error = program_time(subject, repository->clone, back, seconds);
    *seconds = (first + *seconds) / 2;
    return error;
}

// Git reads again what may have changed in the moment in which it wrote its index. As if that had
// been a while later.
static int date_index(const struct repository *repository)
{
    char path[PATH_MAX + 32];
    struct timespec times[2];

    snprintf(path, sizeof(path), "%s/.git/index", repository->clone);
    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec += 10;
    times[1] = times[0];
    return utimensat(AT_FDCWD, path, times, 0) < 0 ? -errno : 0;
}

static int run_status(struct subject *subject, double *seconds)
{
    struct repository *repository = subject->state;
    const char *const argv[] = { "git", "status", "--short", NULL };
    char change[64];
    int error = want_clone(subject);

    if (error == 0)
        error = program_ask(subject, repository->clone, argv, change, sizeof(change));
    if (error == 0 && change[0] != '\0')
        error = subject_refuse(subject, -EIO, "a fresh clone has changed: %s", change);
    if (error == 0)
        error = date_index(repository);
    double start = work_clock();
    for (int i = 0; i < STATUS_CALLS && error == 0; i++)
        error = program_run(subject, repository->clone, argv);
    *seconds = (work_clock() - start) / STATUS_CALLS;
    return error;
}

static const struct work works[] = {
    { .name = "git clone", .run = run_clone },
    { .name = "git checkout", .run = run_checkout },
    { .name = "git status", .run = run_status },
};

const struct work_group git_works = {
    .begin = begin,
    .end = end,
    .works = works,
    .count = sizeof(works) / sizeof(works[0]),
};
