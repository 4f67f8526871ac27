// SPDX-License-Identifier: BSD-2-Clause
//
// Does the same work on a shmapfs mount and on what it is compared with, side after side in each of
// several rounds, and prints one table of ratios. The mounts live in a namespace of their own and
// are gone when the program is, however it ends.
#include <err.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "options.h"
#include "report.h"
#include "sandbox.h"

struct run {
    const struct options *options;
    struct setting setting;
    struct entrant *entrants;
    struct results results;
};

// The daemon of the build tree that this program is in.
static const char *built_daemon(char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);

    if (length < 0)
        err(1, "/proc/self/exe");
    path[length] = '\0';
    for (int up = 0; up < 3; up++) {
        char *slash = strrchr(path, '/');

        if (slash != NULL)
            *slash = '\0';
    }
    strncat(path, "/fs/shmapfs", PATH_MAX - strlen(path) - 1);
    return path;
}

// A mapping that does not fit into memory would measure the swap.
static size_t size_that_fits(size_t wanted)
{
    FILE *file = fopen("/proc/meminfo", "re");
    char line[128];
    size_t available = 0;

    while (file != NULL && available == 0 && fgets(line, sizeof(line), file) != NULL)
        sscanf(line, "MemAvailable: %zu", &available);
    if (file != NULL)
        fclose(file);
    size_t most = (available << 10) / 5 * 2;
    if (most == 0 || wanted <= most)
        return wanted;
    most &= ~(((size_t)2 << 20) - 1);
    fprintf(stderr, "bench: memory is short, %zu MiB are mapped and not %zu\n", most >> 20,
            wanted >> 20);
    return most;
}

// The type of the filesystem that the path lies on.
static void filesystem_name(const char *path, char name[64])
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    struct stat st = { 0 };
    char *line = NULL;
    size_t capacity = 0;
    unsigned major_number, minor_number;

    snprintf(name, 64, "an unknown filesystem");
    while (file != NULL && stat(path, &st) == 0 && getline(&line, &capacity, file) > 0) {
        const char *type = strstr(line, " - ");

        if (type != NULL && sscanf(line, "%*d %*d %u:%u", &major_number, &minor_number) == 2 &&
            makedev(major_number, minor_number) == st.st_dev)
            sscanf(type, " - %63s", name);
    }
    free(line);
    if (file != NULL)
        fclose(file);
}

static size_t works_before(size_t group)
{
    size_t count = 0;

    for (size_t i = 0; i < group; i++)
        count += work_groups[i]->count;
    return count;
}

static bool is_wanted(const struct options *options, const struct work *work)
{
    return options->only == NULL || options_list_has(options->only, work->name, false);
}

// All works of the group up to the last that is wanted: one may stand on the one before.
static size_t works_to_do(const struct options *options, const struct work_group *group)
{
    size_t count = group->count;

    while (count > 0 && !is_wanted(options, &group->works[count - 1]))
        count--;
    return count;
}

static void fail_entrant(struct entrant *entrant, const char *name, int error)
{
    snprintf(entrant->place.reason, sizeof(entrant->place.reason), "%s: %s", name,
             strerror(-error));
    entrant->ready = false;
}

// The fastest of a few tries: what is left is the work, and not what else the machine did, or its
// hypervisor, which may first have to find the memory.
static int run_work(const struct work *work, struct subject *subject, double *least)
{
    double seconds;

    *least = INFINITY;
    for (int tries = work->once ? 1 : 3; tries > 0; tries--) {
        int error = work->run(subject, &seconds);

        if (error < 0) {
            *least = NAN;
            return error;
        }
        *least = fmin(*least, seconds);
    }
    return 0;
}

static void run_group(struct run *run, size_t index, size_t side, unsigned round)
{
    const struct work_group *group = work_groups[index];
    struct entrant *entrant = &run->entrants[side];
    struct series *series = &run->results.series[works_before(index)];
    struct subject subject = {
        .dir_fd = entrant->place.dir_fd,
        .fd = -1,
        .size = run->setting.size,
    };
    size_t count = works_to_do(run->options, group);
    int error = count > 0 ? group->begin(&subject) : 0;

    if (error < 0)
        fail_entrant(entrant, "preparing a file", error);
    for (size_t i = 0; i < count && error == 0; i++) {
        error = run_work(&group->works[i], &subject, &series[i].samples[side][round]);
        if (error < 0)
            fail_entrant(entrant, group->works[i].name, error);
    }
    if (count > 0)
        group->end(&subject);
}

// The first side of a round is the second of the one before, lest one always comes when the machine
// has just been busy with another.
static void run_rounds(struct run *run)
{
    for (unsigned round = 0; round < run->results.rounds; round++) {
        for (size_t group = 0; group < work_group_count; group++) {
            for (size_t turn = 0; turn < side_count; turn++) {
                size_t side = (turn + round) % side_count;

                if (run->entrants[side].ready)
                    run_group(run, group, side, round);
            }
        }
    }
}

// One series for each work, without samples yet.
static void make_series(struct results *results)
{
    results->series_count = works_before(work_group_count);
    results->series = calloc(results->series_count, sizeof(results->series[0]));
    if (results->series == NULL)
        err(1, NULL);
    for (size_t i = 0, n = 0; i < work_group_count; i++) {
        for (size_t j = 0; j < work_groups[i]->count; j++, n++) {
            struct series *series = &results->series[n];

            series->work = &work_groups[i]->works[j];
            series->samples = calloc(side_count, sizeof(series->samples[0]));
            if (series->samples == NULL)
                err(1, NULL);
            for (size_t side = 0; side < side_count; side++) {
                for (unsigned round = 0; round < MAX_ROUNDS; round++)
                    series->samples[side][round] = NAN;
            }
        }
    }
}

// Leaves out of the results what was done only because another work stands on it.
static void keep_wanted(const struct options *options, struct results *results)
{
    size_t kept = 0;

    for (size_t i = 0; i < results->series_count; i++) {
        if (is_wanted(options, results->series[i].work))
            results->series[kept++] = results->series[i];
        else
            free(results->series[i].samples);
    }
    results->series_count = kept;
}

static int run_inside(void *argument)
{
    struct run *run = argument;
    int status = EXIT_FAILURE;

    for (size_t i = 0; i < side_count; i++) {
        struct entrant *entrant = &run->entrants[i];

        if (entrant->wanted)
            entrant->ready = side_open(entrant->side, &entrant->place, &run->setting) == 0;
    }
    run_rounds(run);
    for (size_t i = 0; i < side_count; i++) {
        // Nothing was compared when none of those that have something to be compared with ran.
        if (run->entrants[i].ready && sides[i].baselines[0] != NULL)
            status = EXIT_SUCCESS;
        if (run->entrants[i].wanted)
            side_close(&run->entrants[i].place);
    }
    keep_wanted(run->options, &run->results);
    if (run->options->json)
        report_json(&run->results);
    else
        report_table(&run->results);
    return status;
}

static void check_works(const struct options *options)
{
    for (size_t i = 0; i < work_group_count; i++) {
        if (works_to_do(options, work_groups[i]) > 0)
            return;
    }
    errx(2, "--only=%s: no such work; see --help", options->only);
}

static void choose_sides(const struct options *options, struct entrant *entrants)
{
    size_t count = 0;

    for (size_t i = 0; i < side_count; i++) {
        entrants[i] = (struct entrant){ .side = &sides[i], .place.dir_fd = -1 };
        entrants[i].wanted = options->side_names != NULL
                                 ? options_list_has(options->side_names, sides[i].name, true)
                                 : !sides[i].on_demand;
        count += entrants[i].wanted;
    }
    if (options->side_names != NULL && count != options_list_length(options->side_names))
        errx(2, "--sides=%s: not all of these are sides; see --help", options->side_names);
}

int main(int argc, char **argv)
{
    struct options options = options_parse(argc, argv);
    struct entrant *entrants = calloc(side_count, sizeof(entrants[0]));
    char daemon[PATH_MAX], scratch[PATH_MAX], filesystem[64];

    if (entrants == NULL)
        err(1, NULL);
    choose_sides(&options, entrants);
    check_works(&options);
    snprintf(scratch, sizeof(scratch), "%s/bench.XXXXXX", options.directory);
    if (mkdtemp(scratch) == NULL)
        err(1, "%s", scratch);
    char *top = realpath(scratch, NULL);
    if (top == NULL)
        err(1, "%s", scratch);
    filesystem_name(top, filesystem);

    struct run run = {
        .options = &options,
        .setting = {
            .shmapfs = options.shmapfs != NULL ? options.shmapfs : built_daemon(daemon),
            .scratch = top,
            .size = size_that_fits(options.size),
        },
        .entrants = entrants,
        .results = { .entrants = entrants, .rounds = options.rounds, .filesystem = filesystem },
    };
    run.results.size = run.setting.size;
    make_series(&run.results);
    struct sandbox sandbox = { .top = top, .by_root = geteuid() == 0 };
    return sandbox_run(&sandbox, run_inside, &run);
}
