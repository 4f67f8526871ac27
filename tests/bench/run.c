// SPDX-License-Identifier: BSD-2-Clause
#include "run.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "beside.h"

// Tries of a work in one round, as long as they have not taken so many seconds.
enum { TRIES = 3 };
static const double enough_seconds = 1;

static bool is_wanted(const struct options *options, const struct work *work)
{
    return options->only == NULL || options_list_has(options->only, work->name, false);
}

static bool is_due(const struct options *options, const struct work *work, unsigned round)
{
    return work->rounds_at_most == 0 || round + work->rounds_at_most >= options->rounds;
}

// All works of the group up to the last that is wanted: one may stand on the one before.
static size_t works_to_do(const struct options *options, const struct work_group *group,
                          unsigned round)
{
    size_t count = group->count;

    while (count > 0 && !(is_wanted(options, &group->works[count - 1]) &&
                          is_due(options, &group->works[count - 1], round)))
        count--;
    return count;
}

bool run_has_works(const struct options *options)
{
    for (size_t i = 0; i < work_group_count; i++) {
        if (works_to_do(options, work_groups[i], options->rounds - 1) > 0)
            return true;
    }
    return false;
}

// The fastest of a few tries: what is left is the work, and not what else the machine did, or its
// hypervisor, which may first have to find the memory.
static int run_work(const struct work *work, struct subject *subject, double *least)
{
    const double start = work_clock();
    double value;
    int tries = work->once ? 1 : TRIES;

    do {
        int error = work->run(subject, &value);

        if (error < 0) {
            *least = NAN;
            return error;
        }
        *least = isnan(*least) ? value : fmin(*least, value);
    } while (--tries > 0 && work_clock() - start < enough_seconds);
    return 0;
}

// The first reason is kept: others may only follow from it.
static void note_failure(struct series *series, size_t side, const char *reason, int error)
{
    char *noted = series->reasons[side];

    if (noted[0] == '\0')
        snprintf(noted, REASON_SIZE, "%s", reason[0] != '\0' ? reason : strerror(-error));
}

static int begin_group(const struct work_group *group, struct subject *subject)
{
    if (group->dear && subject->quick)
        return subject_refuse(subject, -ECANCELED, "left out where it has to be quick");
    if (group->dear && subject->side->few_names != NULL)
        return subject_refuse(subject, -ECANCELED, "%s", subject->side->few_names);
    return group->begin != NULL ? group->begin(subject) : 0;
}

static void run_works(struct run *run, size_t index, struct subject *subject, size_t side)
{
    const struct work_group *group = work_groups[index];
    struct series *series = &run->results.series[results_of_group(index)];
    size_t count = works_to_do(run->options, group, subject->round);
    int failed = begin_group(group, subject);

    for (size_t i = 0; i < count; i++) {
        double *value = &series[i].samples[side][subject->round];
        int error = failed;

        if (!is_due(run->options, &group->works[i], subject->round))
            continue;
        if (failed == 0) {
            subject->reason[0] = '\0';
            subject->work = &group->works[i];
            error = run_work(&group->works[i], subject, value);
        }
        if (error < 0)
            note_failure(&series[i], side, subject->reason, error);
    }
    if (group->end != NULL)
        group->end(subject);
}

// Before a side's turn the data of others is on disk, and the processor out of its rest.
static void settle(const struct run *run)
{
    work_sync(run->setting.scratch);
    const double start = work_clock();
    while (work_clock() - start < 0.02)
        continue;
}

// Each turn has a process of its own, so that all begin alike, and a store that the filesystem
// cannot take kills one turn only.
static void run_apart(struct run *run, size_t index, struct subject *subject, size_t side)
{
    const struct work_group *group = work_groups[index];
    struct series *series = &run->results.series[results_of_group(index)];
    size_t count = works_to_do(run->options, group, subject->round);
    int status = 0;
    char reason[REASON_SIZE] = "";
    pid_t child = fork();

    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run_works(run, index, subject, side);
        _exit(EXIT_SUCCESS);
    }
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
        return;
    if (child > 0 && WIFSIGNALED(status))
        snprintf(reason, sizeof(reason), "killed: %s", strsignal(WTERMSIG(status)));
    for (size_t i = 0; i < count; i++) {
        if (isnan(series[i].samples[side][subject->round]) &&
            is_due(run->options, &group->works[i], subject->round))
            note_failure(&series[i], side, reason, -ECHILD);
    }
}

static void run_group(struct run *run, size_t index, size_t side, unsigned round)
{
    const struct work_group *group = work_groups[index];
    const struct place *place = &run->entrants[side].place;
    char reason[REASON_SIZE] = "";
    struct subject subject = {
        .side = &sides[side],
        .path = place->path,
        .scratch = run->inputs,
        .daemon = place->daemon,
        .dir_fd = place->dir_fd,
        .run = run->number,
        .round = round,
        .quick = run->options->quick,
        .reason = reason,
        .fd = -1,
        .size = run->setting.size,
    };

    if ((group->on_floor != sides[side].is_floor && !group->anywhere) ||
        works_to_do(run->options, group, round) == 0)
        return;
    settle(run);
    run_apart(run, index, &subject, side);
}

static void show_progress(const struct run *run, unsigned round, size_t group, size_t side)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[Kround %u of %u: %s … on %s", round + 1, run->results.rounds,
                work_groups[group]->works[0].name, sides[side].name);
}

static void end_progress(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

// Leaves out of the results what was done only because another work stands on it.
static void keep_wanted(struct run *run)
{
    struct results *results = &run->results;
    size_t kept = 0;

    for (size_t i = 0; i < results->series_count; i++) {
        if (is_wanted(run->options, results->series[i].work))
            results->series[kept++] = results->series[i];
    }
    results->series_count = kept;
}

// The first side of a round is the second of the one before, lest one always comes when the machine
// has just been busy with another.
void run_rounds(struct run *run)
{
    const double start = work_clock();
    const unsigned beside = run->options->beside;

    if (getloadavg(&run->results.load, 1) != 1)
        run->results.load = NAN;
    run->results.beside = beside;
    pid_t *busy = beside_start(beside);
    for (unsigned round = 0; round < run->results.rounds; round++) {
        for (size_t group = 0; group < work_group_count; group++) {
            for (size_t turn = 0; turn < side_count; turn++) {
                size_t side = (turn + round) % side_count;

                if (!run->entrants[side].ready)
                    continue;
                show_progress(run, round, group, side);
                run_group(run, group, side, round);
            }
        }
    }
    beside_end(busy, beside);
    end_progress();
    keep_wanted(run);
    run->results.seconds = work_clock() - start;
}
