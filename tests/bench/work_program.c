// SPDX-License-Identifier: BSD-2-Clause
//
// People do this with a C project: unpack it (a plain tar archive in the scratch directory), build
// it, copy it with rsync where the copy is up to date already (both are on the side), remove it.
#include "work.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input.h"
#include "names.h"
#include "program.h"
#include "tests/mount/harness/sandbox.h"

struct project {
    char archive[PATH_MAX];
    char tree[PATH_MAX];      // what was unpacked
    char copy[PATH_MAX];      // what rsync made of it
    char first[PATH_MAX + 8]; // the first of the projects in it: it is the one that is built
};

static int remove_tree(const char *path)
{
    int error = sandbox_remove_tree(path);

    return error == -ENOENT ? 0 : error;
}

static int begin(struct subject *subject)
{
    struct project *project = malloc(sizeof(*project));

    if (project == NULL)
        return -ENOMEM;
    subject->state = project;
    names_directory(subject, "project", project->tree);
    names_directory(subject, "project-copy", project->copy);
    snprintf(project->first, sizeof(project->first), "%s/copy1", project->tree);
    return input_project(subject, project->archive);
}

static void end(struct subject *subject)
{
    struct project *project = subject->state;

    if (project == NULL)
        return;
    remove_tree(project->tree);
    remove_tree(project->copy);
    free(project);
}

static int run_untar(struct subject *subject, double *seconds)
{
    struct project *project = subject->state;
    const char *const argv[] = { "tar", "-xf", project->archive, NULL };
    int error = remove_tree(project->tree);

    if (error == 0 && mkdir(project->tree, 0755) < 0)
        error = -errno;
    return error < 0 ? error : program_time(subject, project->tree, argv, seconds);
}

// Cleaned up behind it, so that the other works find the tree as it was.
static int run_build(struct subject *subject, double *seconds)
{
    struct project *project = subject->state;
    int error = program_time(subject, project->first, (const char *const[]){ "make", "-j2", NULL },
                             seconds);

    return error < 0 ? error
                     : program_run(subject, project->first,
                                   (const char *const[]){ "make", "clean", NULL });
}

static int run_rsync(struct subject *subject, double *seconds)
{
    struct project *project = subject->state;
    char contents[PATH_MAX + 2];
    const char *const argv[] = { "rsync", "-a", contents, project->copy, NULL };

    snprintf(contents, sizeof(contents), "%s/", project->tree);
    int error = program_run(subject, subject->path, argv); // not timed: from now on it is unchanged
    return error < 0 ? error : program_time(subject, subject->path, argv, seconds);
}

static int run_remove(struct subject *subject, double *seconds)
{
    struct project *project = subject->state;
    const char *const copy[] = { "cp", "-a", project->tree, project->copy, NULL };
    const char *const remove[] = { "rm", "-r", project->copy, NULL };
    int error = access(project->copy, F_OK) < 0 ? program_run(subject, subject->path, copy) : 0;

    return error < 0 ? error : program_time(subject, subject->path, remove, seconds);
}

static const struct work works[] = {
    { .name = "untar", .once = true, .rounds_at_most = 3, .run = run_untar },
    { .name = "build", .once = true, .rounds_at_most = 3, .run = run_build },
    { .name = "rsync unchanged", .once = true, .rounds_at_most = 3, .run = run_rsync },
    { .name = "rm -r", .once = true, .rounds_at_most = 3, .run = run_remove },
};

const struct work_group program_works = {
    .begin = begin,
    .end = end,
    .works = works,
    .count = sizeof(works) / sizeof(works[0]),
};
