// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl metrics: what mounts tell of themselves, for programs that watch machines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sys/cleanup.h"
#include "tools/cmd/command.h"
#include "tools/metrics/collection.h"
#include "tools/metrics/exposition.h"
#include "tools/scan/mount_list.h"
#include "tools/scan/mount_states.h"
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
    const char *output = invocation->choices[CHOICE_OUTPUT];
    int error;

    if (output) {
        error = metrics_replace(metrics, output);
        return error ? fail(output, "cannot be written: %s", strerror(-error)) : EXIT_SUCCESS;
    }
    if (invocation->json)
        return print_json(metrics_object(metrics));
    metrics_write(metrics, stdout);
    return EXIT_SUCCESS;
}

int cmd_metrics(const struct invocation *invocation)
{
    CLEANUP_FREE dev_t *devices = calloc((size_t)invocation->count + 1, sizeof(*devices));
    struct metrics metrics = { 0 };
    struct mount_list list;
    int status;

    if (!devices)
        return fail("metrics", "%s", strerror(ENOMEM));
    mount_list_find(0, &list);
    status = find_named(invocation, &list, devices);
    if (status == EXIT_SUCCESS) {
        mount_list_reduce(&list, devices, (size_t)invocation->count);
        collect(&list, &metrics);
        status = show(&metrics, invocation);
    }
    mount_list_free(&list);
    metrics_free(&metrics);
    return status;
}
