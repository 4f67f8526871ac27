// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl top: the requests that a mount serves, and what it has in use. */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "tools/cmd/command.h"
#include "tools/scan/mount_list.h"
#include "tools/scan/target.h"
#include "tools/top/rates.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"
#include "tools/ui/table.h"

enum { PERIOD = 1000 }; // milliseconds from one look to the next

/* A look at a mount. */
struct look {
    int64_t at; // milliseconds
    struct shmap_status status;
    struct counts counts;
};

static int fail_look(const char *mountpoint, int error)
{
    if (error == -EPERM)
        return fail(mountpoint, "only the mount's owner and root are told what it serves");
    if (error == -EOPNOTSUPP)
        return fail(mountpoint, "requests over io_uring are not counted");
    return fail_mount(mountpoint, error);
}

/* Returns EXIT_SUCCESS, or EXIT_FAILURE after a line. */
static int take_look(const char *mountpoint, struct look *look)
{
    int error = shmap_status_get(mountpoint, &look->status);

    if (error)
        return fail_mount(mountpoint, error);
    look->at = now_ms();
    error = shmap_requests_get(mountpoint, &look->counts.requests);
    if (error == -ENODATA)
        return fail(mountpoint, "the version that serves it does not count requests; upgrade it "
                                "with: shmapctl upgrade");
    if (error)
        return fail_look(mountpoint, error);
    error = latencies_get(mountpoint, &look->counts.latencies);
    // An earlier version knows of none.
    if (error == -ENODATA)
        look->counts.latencies = (struct latencies){ 0 };
    else if (error)
        return fail_look(mountpoint, error);
    return EXIT_SUCCESS;
}

/* Finds the one mount that there is. Returns its path, for free(), or NULL after a line. */
static char *find_only_mount(void)
{
    struct mount_list list;
    char *path = NULL;

    mount_list_find(0, &list);
    mount_list_reduce(&list, NULL, 0);
    if (list.count == 1)
        path = strdup(list.all[0].path);
    else if (list.count == 0)
        warnx("top: there is no mount of shmapfs");
    else
        warnx("top: there are %zu mounts; name one: shmapctl list shows them", list.count);
    mount_list_free(&list);
    return path;
}

static void show_area(const char *name, const struct shmap_area_status *area)
{
    if (area->present)
        printf("%-8s %s of %s\n", name, humanize(area->used).text, humanize(area->size).text);
}

static void add_duration(struct table *table, uint64_t nanoseconds)
{
    if (nanoseconds == 0)
        table_add(table, "-");
    else if (nanoseconds < 1000000)
        table_add(table, "%.1f us", (double)nanoseconds / 1e3);
    else if (nanoseconds < 1000000000)
        table_add(table, "%.1f ms", (double)nanoseconds / 1e6);
    else
        table_add(table, "%.1f s", (double)nanoseconds / 1e9);
}

static void show_rates(const struct rates *rates, bool rated)
{
    static const struct column columns[] = { { "REQUEST", false },
                                             { "PER SECOND", true },
                                             { "MEDIAN", true },
                                             { "99 %", true },
                                             { "SERVED", true } };
    struct table table;

    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < rates->count; i++) {
        table_add(&table, "%s", rates->all[i].name);
        if (rated)
            table_add(&table, "%.1f", rates->all[i].per_second);
        else
            table_add(&table, "-");
        add_duration(&table, rates->all[i].median);
        add_duration(&table, rates->all[i].p99);
        table_add(&table, "%" PRIu64, rates->all[i].served);
    }
    table_print(&table);
}

static void show_look(const struct look *before, const struct look *now)
{
    CLEANUP_FREE char *mountpoint = printable(now->status.mountpoint);
    struct rates rates;

    rates_between(&before->counts, &now->counts, (double)(now->at - before->at) / 1000, &rates);
    printf("%s, process %" PRIu64 "%s\n", mountpoint, now->status.pid,
           rates.restarted ? " (another one than before)" : "");
    show_area("store", &now->status.store_area);
    show_area("RAM", &now->status.ram_area);
    printf("in use   %" PRIu64 " nodes, %" PRIu64 " open files, %" PRIu64 " of %" PRIu64
           " descriptors\n\n",
           now->status.nodes, now->status.open_files, now->status.descriptors,
           now->status.descriptors_max);
    show_rates(&rates, before->counts.requests.pid != 0);
    fflush(stdout);
}

static struct json_object *latency_object(const struct latency *kind)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "count", json_object_new_uint64(latency_count(kind->of)));
    json_object_object_add(object, "median_ns",
                           json_object_new_uint64(latency_percentile(kind->of, 50)));
    json_object_object_add(object, "p99_ns",
                           json_object_new_uint64(latency_percentile(kind->of, 99)));
    return object;
}

static int show_json(const struct look *look)
{
    const struct shmap_requests *served = &look->counts.requests;
    const struct latencies *lasted = &look->counts.latencies;
    struct json_object *answer = json_object_new_object(), *requests = json_object_new_object();
    struct json_object *latencies = json_object_new_object();

    for (size_t i = 0; i < served->count; i++)
        json_object_object_add(requests, served->all[i].name,
                               json_object_new_uint64(served->all[i].served));
    for (size_t i = 0; i < lasted->count; i++)
        json_object_object_add(latencies, lasted->all[i].name, latency_object(&lasted->all[i]));
    json_object_object_add(answer, "mountpoint", json_object_new_string(look->status.mountpoint));
    json_object_object_add(answer, "pid", json_object_new_uint64(served->pid));
    json_object_object_add(answer, "requests", requests);
    json_object_object_add(answer, "latencies", latencies);
    json_object_object_add(answer, "status", status_object(&look->status));
    return print_json(answer);
}

/* Looks again and again, until a signal ends the command. */
static int watch(const char *mountpoint)
{
    bool terminal = isatty(STDOUT_FILENO);
    struct look before = { 0 }, now;
    int status;

    while ((status = take_look(mountpoint, &now)) == EXIT_SUCCESS && !ferror(stdout)) {
        // The screen is drawn over; what is behind a pipe gets one table after the other.
        fputs(terminal ? "\033[H\033[2J" : "", stdout);
        show_look(&before, &now);
        before = now;
        poll(NULL, 0, PERIOD);
    }
    return status;
}

int cmd_top(const struct invocation *invocation)
{
    CLEANUP_FREE char *mountpoint =
        invocation->count > 0 ? strdup(invocation->arguments[0]) : find_only_mount();
    bool once = invocation->choices[CHOICE_ONCE];
    struct look nothing = { 0 }, look;

    if (invocation->json && !once) {
        warnx("top: JSON is of one look; add --once");
        return EXIT_USAGE;
    }
    if (!mountpoint)
        return EXIT_FAILURE;
    if (!once)
        return watch(mountpoint);
    if (take_look(mountpoint, &look) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (invocation->json)
        return show_json(&look);
    show_look(&nothing, &look);
    return EXIT_SUCCESS;
}
