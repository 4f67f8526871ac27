// SPDX-License-Identifier: BSD-2-Clause
//
// Does the same work on shmapfs mounts and on what they are compared with, side after side in each
// of several rounds, and prints one table of ratios. The mounts live in a namespace of their own
// and are gone when the program is, however it ends.
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "plot.h"
#include "report.h"
#include "run.h"
#include "tests/mount/harness/sandbox.h"
#include "uring.h"

// Cuts the last part off a path.
static void go_up(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash != NULL)
        *slash = '\0';
}

// The directory of this program, and the daemon of its build tree.
static void find_programs(char own[PATH_MAX], char daemon[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", own, PATH_MAX - 1);

    if (length < 0)
        err(1, "/proc/self/exe");
    own[length] = '\0';
    go_up(own);
    strcpy(daemon, own);
    go_up(daemon);
    go_up(daemon);
    strncat(daemon, "/fs/shmapfs", PATH_MAX - strlen(daemon) - 1);
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

static void open_sides(struct run *run)
{
    for (size_t i = 0; i < side_count; i++) {
        struct entrant *entrant = &run->entrants[i];

        if (entrant->wanted)
            entrant->ready = side_open(entrant->side, &entrant->place, &run->setting) == 0;
    }
}

static int run_inside(void *argument)
{
    struct run *run = argument;
    int status = EXIT_FAILURE;

    if (mkdir(run->inputs, 0755) < 0)
        err(1, "%s", run->inputs);
    open_sides(run);
    run_rounds(run);
    for (size_t i = 0; i < side_count; i++) {
        // Nothing was compared when none of the mounts that somebody serves ran.
        if (run->entrants[i].ready && run->entrants[i].place.daemon > 0)
            status = EXIT_SUCCESS;
        if (run->entrants[i].wanted)
            side_close(&run->entrants[i].place);
    }
    if (run->options->json)
        report_json(&run->results);
    else if (run->options->markdown)
        report_markdown(&run->results);
    else
        report_table(&run->results);
    if (run->options->svg != NULL && plot_ratios(&run->results, run->options->svg) < 0)
        status = EXIT_FAILURE;
    return status;
}

static void choose_sides(const struct options *options, struct entrant *entrants)
{
    size_t count = 0;

    for (size_t i = 0; i < side_count; i++) {
        entrants[i] = (struct entrant){ .side = &sides[i], .place.dir_fd = -1 };
        entrants[i].wanted = options->side_names == NULL
                                 ? !sides[i].if_named
                                 : options_list_has(options->side_names, sides[i].name, true);
        count += entrants[i].wanted;
    }
    if (options->side_names != NULL && count != options_list_length(options->side_names))
        errx(2, "--sides=%s: not all of these are sides; see --help", options->side_names);
}

static int run_in_sandbox(struct run *run, const char *top)
{
    const struct sandbox sandbox = { .top = top, .by_root = geteuid() == 0 };
    bool allow = run->options->enable_uring && !uring_is_allowed();
    int error = allow ? uring_allow(true) : 0;

    if (error < 0)
        warnx("%s cannot be set: %s", uring_parameter, strerror(-error));
    int status = sandbox_run(&sandbox, run_inside, run);
    if (allow && error == 0)
        uring_allow(false);
    return status;
}

static const char *make_scratch(const char *directory)
{
    char scratch[PATH_MAX];

    snprintf(scratch, sizeof(scratch), "%s/bench.XXXXXX", directory);
    const char *top = mkdtemp(scratch) != NULL ? realpath(scratch, NULL) : NULL;
    if (top == NULL)
        err(1, "%s", scratch);
    return top;
}

int main(int argc, char **argv)
{
    const struct options options = options_parse(argc, argv);
    struct entrant *entrants = calloc(side_count, sizeof(entrants[0]));
    char own[PATH_MAX], daemon[PATH_MAX], inputs[PATH_MAX], filesystem[64];

    if (entrants == NULL)
        err(1, NULL);
    choose_sides(&options, entrants);
    if (!run_has_works(&options))
        errx(2, "--only=%s: no such work; see --help", options.only);
    find_programs(own, daemon);
    const char *top = make_scratch(options.directory);
    filesystem_name(top, filesystem);
    snprintf(inputs, sizeof(inputs), "%s/inputs", top);

    struct run run = {
        .options = &options,
        .setting = {
            .shmapfs = options.shmapfs != NULL ? options.shmapfs : daemon,
            .programs = own,
            .scratch = top,
            .size = size_that_fits(options.size),
        },
        .number = (unsigned)time(NULL),
        .inputs = inputs,
        .entrants = entrants,
        .results = { .entrants = entrants, .rounds = options.rounds, .filesystem = filesystem },
    };
    run.results.size = run.setting.size;
    results_prepare(&run.results);
    return run_in_sandbox(&run, top);
}
