// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl top: the requests that a mount serves, and what it and its users have in memory. */
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
#include "tools/top/screen.h"
#include "tools/top/used_files.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"
#include "tools/ui/table.h"

enum { PERIOD = 1000 };   // milliseconds from one look to the next
enum { FILES_SHOWN = 5 }; // of the files in use

/* A look at a mount. */
struct look {
    int64_t at; // milliseconds
    struct shmap_status status;
    struct counts counts;
    struct shmap_own_area *areas; // of directories
    size_t area_count;
    struct used_files files;
};

static void free_look(struct look *look)
{
    free(look->areas);
    used_files_free(&look->files);
    look->areas = NULL;
    look->files = (struct used_files){ 0 };
}

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
    int error;

    *look = (struct look){ 0 };
    error = shmap_status_get(mountpoint, &look->status);
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
    // An earlier version does not tell, and then there are none.
    if (shmap_areas_get(mountpoint, &look->areas, &look->area_count) != 0)
        look->area_count = 0;
    used_files_find(look->status.mountpoint, &look->files);
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

static void show_area(FILE *to, const char *name, const struct shmap_area_status *area)
{
    if (area->present)
        fprintf(to, "%-8s %s of %s\n", name, humanize(area->used).text, humanize(area->size).text);
}

static void show_own_areas(FILE *to, const struct look *look)
{
    for (size_t i = 0; i < look->area_count; i++) {
        const struct shmap_own_area *area = &look->areas[i];
        CLEANUP_FREE char *directory = printable(area->directory);

        fprintf(to, "RAM      %s of %s, of %s\n", humanize(area->used).text,
                humanize(area->size).text, directory);
    }
}

static void show_worker(FILE *to, const struct shmap_status *status)
{
    fprintf(to, "worker   %" PRIu64 " restarts, %" PRIu64 " upgrades", status->restarts,
            status->upgrades);
    if (status->last_stall_us > 0)
        fprintf(to, ", requests waited for %.1f ms", (double)status->last_stall_us / 1000);
    fputs("\n", to);
}

static void show_journal(FILE *to, const struct shmap_status *status)
{
    if (status->store_area.present)
        fprintf(to, "journal  %s uncommitted, %s of %s, %" PRIu64 " commits\n",
                humanize(status->journal_uncommitted).text, humanize(status->journal_used).text,
                humanize(status->journal_size).text, status->journal_commits);
}

static void add_pages(struct table *table, uint64_t pages)
{
    table_add(table, "%s", humanize(pages * (uint64_t)sysconf(_SC_PAGESIZE)).text);
}

static void show_files(FILE *to, const struct used_files *files)
{
    static const struct column columns[] = { { "IN MEMORY", true },   { "DIRTY", true },
                                             { "UNCOMMITTED", true }, { "PID", true },
                                             { "USED BY", false },    { "FILE", false } };
    struct table table;

    if (files->count == 0)
        return;
    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < files->count && i < FILES_SHOWN; i++) {
        const struct used_file *file = &files->all[i];

        add_pages(&table, file->pages.resident);
        add_pages(&table, file->pages.dirty);
        table_add(&table, "%s", humanize(file->uncommitted).text);
        table_add(&table, "%d", file->pid);
        if (file->users > 1)
            table_add(&table, "%s +%zu", file->command, file->users - 1);
        else
            table_add(&table, "%s", file->command);
        table_add(&table, "%s", file->path);
    }
    table_write(&table, to);
    fputs("\n", to);
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

static void show_rates(FILE *to, const struct rates *rates, bool rated)
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
    table_write(&table, to);
}

static void show_look(FILE *to, const struct look *before, const struct look *now)
{
    const struct shmap_status *status = &now->status;
    CLEANUP_FREE char *mountpoint = printable(status->mountpoint);
    struct rates rates;

    rates_between(&before->counts, &now->counts, (double)(now->at - before->at) / 1000, &rates);
    fprintf(to, "%s, process %" PRIu64 "%s\n", mountpoint, status->pid,
            rates.restarted ? " (another one than before)" : "");
    show_area(to, "store", &status->store_area);
    show_area(to, "RAM", &status->ram_area);
    show_own_areas(to, now);
    show_journal(to, status);
    show_worker(to, status);
    fprintf(to,
            "in use   %" PRIu64 " nodes, %" PRIu64 " open files, %" PRIu64 " of %" PRIu64
            " descriptors\n\n",
            status->nodes, status->open_files, status->descriptors, status->descriptors_max);
    show_files(to, &now->files);
    show_rates(to, &rates, before->counts.requests.pid != 0);
    fflush(to);
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

static struct json_object *areas_object(const struct look *look)
{
    CLEANUP_FREE char *text = shmap_areas_to_json(look->areas, look->area_count);

    return text ? json_tokener_parse(text) : NULL;
}

static struct json_object *files_object(const struct used_files *files)
{
    struct json_object *all = json_object_new_array();
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

    for (size_t i = 0; i < files->count; i++) {
        const struct used_file *file = &files->all[i];
        struct json_object *object = json_object_new_object();

        json_object_object_add(object, "path", json_object_new_string(file->path));
        json_object_object_add(object, "resident",
                               json_object_new_uint64(file->pages.resident * page));
        json_object_object_add(object, "dirty", json_object_new_uint64(file->pages.dirty * page));
        json_object_object_add(object, "uncommitted", json_object_new_uint64(file->uncommitted));
        json_object_object_add(object, "pid", json_object_new_int(file->pid));
        json_object_object_add(object, "command", json_object_new_string(file->command));
        json_object_object_add(object, "processes", json_object_new_uint64(file->users));
        json_object_array_add(all, object);
    }
    return all;
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
    json_object_object_add(answer, "areas", areas_object(look));
    json_object_object_add(answer, "files", files_object(&look->files));
    json_object_object_add(answer, "status", status_object(&look->status));
    return print_json(answer);
}

/* Writes one look after the other, for a pipe, until a signal ends the command. */
static int write_looks(const char *mountpoint)
{
    struct look before = { 0 }, now;
    int status;

    while ((status = take_look(mountpoint, &now)) == EXIT_SUCCESS && !ferror(stdout)) {
        show_look(stdout, &before, &now);
        free_look(&now);
        before = now;
        poll(NULL, 0, PERIOD);
    }
    return status;
}

/* Draws the difference between two looks, the later of which becomes the earlier one. Returns false
 * if there is no memory for it. */
static bool draw_look(struct look *before, struct look *now)
{
    CLEANUP_FREE char *text = NULL;
    size_t length = 0;
    FILE *lines = open_memstream(&text, &length);

    if (!lines)
        return false;
    show_look(lines, before, now);
    fclose(lines);
    screen_draw(text, length);
    free_look(now);
    *before = *now;
    return true;
}

/* Draws one look over the other, until q is pressed or a signal ends the command. */
static int watch(const char *mountpoint)
{
    struct look before = { 0 }, now;
    int status = take_look(mountpoint, &now);
    struct screen screen;
    int number = 0;

    if (status != EXIT_SUCCESS)
        return status;
    if (screen_begin(&screen) != 0) {
        warn("top: the terminal cannot be taken");
        return EXIT_FAILURE;
    }
    while (status == EXIT_SUCCESS && draw_look(&before, &now) &&
           screen_wait(&screen, PERIOD, &number))
        status = take_look(mountpoint, &now);
    screen_end(&screen, number);
    // The line that says why went to a screen that is gone.
    return status == EXIT_SUCCESS ? status : take_look(mountpoint, &now);
}

int cmd_top(const struct invocation *invocation)
{
    CLEANUP_FREE char *mountpoint =
        invocation->count > 0 ? strdup(invocation->arguments[0]) : find_only_mount();
    bool once = invocation->choices[CHOICE_ONCE];
    struct look nothing = { 0 }, look;
    int status = EXIT_SUCCESS;

    if (invocation->json && !once) {
        warnx("top: JSON is of one look; add --once");
        return EXIT_USAGE;
    }
    if (!mountpoint)
        return EXIT_FAILURE;
    if (!once)
        return isatty(STDOUT_FILENO) ? watch(mountpoint) : write_looks(mountpoint);
    if (take_look(mountpoint, &look) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (invocation->json)
        status = show_json(&look);
    else
        show_look(stdout, &nothing, &look);
    free_look(&look);
    return status;
}
