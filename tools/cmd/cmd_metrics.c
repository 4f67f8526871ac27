// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl metrics: what mounts tell of themselves, for programs that watch machines. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "tools/cmd/command.h"
#include "tools/metrics/collection.h"
#include "tools/metrics/exposition.h"
#include "tools/metrics/scrape.h"
#include "tools/scan/mount_list.h"
#include "tools/scan/mount_states.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

/* Finds the filesystems of the mounts that were named. Returns EXIT_SUCCESS, or EXIT_FAILURE after
 * a line. */
static int find_named(const struct invocation *invocation, const struct mount_list *list,
                      dev_t *devices)
{
    for (int i = 0; i < invocation->count; i++) {
        const struct listed_mount *mount = mount_list_rooted(list, invocation->arguments[i]);

        if (!mount)
            return fail(invocation->arguments[i],
                        "not a shmapfs mount; name the directory that one is on");
        devices[i] = mount->device;
    }
    return EXIT_SUCCESS;
}

static void collect(const struct mount_list *list, struct metrics *metrics)
{
    struct mount_states states;

    mount_states_get_with_details(list, &states);
    for (size_t i = 0; i < list->count; i++) {
        const struct mount_state *state = &states.all[i];
        const char *mountpoint = list->all[i].path;

        // At the path of one that is covered is another mount.
        if (states.errors[i] == -ESTALE)
            continue;
        if (states.errors[i]) {
            collect_silent_mount(metrics, mountpoint);
            continue;
        }
        collect_mount(metrics, mountpoint, &state->status);
        collect_requests(metrics, mountpoint, &states.details[i].requests);
        for (size_t k = 0; k < states.details[i].area_count; k++)
            collect_own_area(metrics, mountpoint, &state->status, &states.details[i].areas[k]);
    }
    mount_states_free(&states);
}

static int show(const struct metrics *metrics, const struct invocation *invocation)
{
    enum metrics_format format =
        invocation->choices[CHOICE_PROMETHEUS] ? METRICS_PROMETHEUS : METRICS_OPENMETRICS;
    const char *output = invocation->choices[CHOICE_OUTPUT];
    int error;

    if (output) {
        error = metrics_replace(metrics, format, output);
        return error ? fail(output, "cannot be written: %s", strerror(-error)) : EXIT_SUCCESS;
    }
    if (invocation->json)
        return print_json(metrics_object(metrics));
    metrics_write(metrics, format, stdout);
    return EXIT_SUCCESS;
}

/* Collects those of the mounts that were named, or of all. Returns the exit status. */
static int collect_named(const struct invocation *invocation, struct metrics *metrics)
{
    CLEANUP_FREE dev_t *devices = calloc((size_t)invocation->count + 1, sizeof(*devices));
    struct mount_list list;
    int status;

    if (!devices)
        return fail("metrics", "%s", strerror(ENOMEM));
    mount_list_find(0, &list);
    status = find_named(invocation, &list, devices);
    if (status == EXIT_SUCCESS) {
        mount_list_reduce(&list, devices, (size_t)invocation->count);
        collect(&list, metrics);
    }
    mount_list_free(&list);
    return status;
}

/* A client that breaks off, or asks for something else, is no failure of ours. */
static int answer_scrape(const struct invocation *invocation)
{
    struct metrics metrics = { 0 };
    struct scrape scrape;
    int status = EXIT_SUCCESS;

    scrape_receive(STDIN_FILENO, &scrape);
    if (scrape.status == 200)
        status = collect_named(invocation, &metrics);
    if (status == EXIT_SUCCESS)
        scrape_answer(STDOUT_FILENO, &scrape, &metrics);
    metrics_free(&metrics);
    return status;
}

/* Returns EXIT_SUCCESS, or EXIT_USAGE after a line. */
static int check_choices(const struct invocation *invocation)
{
    bool json = invocation->json;
    bool output = invocation->choices[CHOICE_OUTPUT];
    bool prometheus = invocation->choices[CHOICE_PROMETHEUS];

    if (invocation->choices[CHOICE_HTTP] && (json || output || prometheus))
        warnx(
            "metrics: a client says which format it reads; leave out --http or the other options");
    else if (json && (output || prometheus))
        warnx("metrics: JSON is printed and no format of Prometheus; leave out --json or %s",
              output ? "--output" : "--prometheus");
    else
        return EXIT_SUCCESS;
    return EXIT_USAGE;
}

int cmd_metrics(const struct invocation *invocation)
{
    struct metrics metrics = { 0 };
    int status = check_choices(invocation);

    if (status == EXIT_SUCCESS && invocation->choices[CHOICE_HTTP])
        return answer_scrape(invocation);
    if (status == EXIT_SUCCESS)
        status = collect_named(invocation, &metrics);
    if (status == EXIT_SUCCESS)
        status = show(&metrics, invocation);
    metrics_free(&metrics);
    return status;
}
