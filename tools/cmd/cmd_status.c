// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl status: what a mount is and how full it is. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/api/shmap.h"
#include "lib/api/shmap_hosts.h"
#include "tools/cmd/command.h"
#include "tools/scan/mount_list.h"
#include "tools/scan/target.h"
#include "tools/ui/output.h"

/* Prints a text of the answer. That comes from whoever mounted it: a terminal is shown nothing of
 * it as it is. */
static void print_text(const char *before, const char *text, const char *after)
{
    char *visible = printable(text);

    printf("%s%s%s", before, visible, after);
    free(visible);
}

static void print_area_use(const struct shmap_area_status *area, bool writeback)
{
    printf("           %s of %s, %" PRIu64 " ", humanize(area->used).text,
           humanize(area->size).text, area->inodes_used);
    if (area->inodes)
        printf("of %" PRIu64 " ", area->inodes);
    printf("inodes; ");
    if (area->passthrough)
        puts(area->brokered ? "passthrough (by the broker)" : "passthrough");
    else
        print_text(writeback ? "writeback cache (" : "cache (", area->reason, ")\n");
}

/* Prints how the mount came through the ends of its daemons, or why it would not. */
static void print_survival(const struct shmap_status *status)
{
    if (*status->survival) {
        print_text("survival   no (", status->survival, ")\n");
        return;
    }
    printf("survival   %" PRIu64 " restarts, %" PRIu64 " upgrades", status->restarts,
           status->upgrades);
    if (*status->last_reason) {
        print_text("; the last: ", status->last_reason, "");
        printf(", requests waited for %.1f ms", (double)status->last_stall_us / 1000);
    }
    putchar('\n');
    if (*status->upgrade_error)
        print_text("           upgrade refused: ", status->upgrade_error, "\n");
}

/* Prints why the store is of no use, if it is. */
static void print_outage(const struct shmap_status *status)
{
    char when[32] = "";
    time_t since = (time_t)status->store_silent_since;
    struct tm tm;

    if (since && localtime_r(&since, &tm))
        strftime(when, sizeof(when), "%F %T", &tm);
    if (since)
        printf("           does not answer since %s; this is what it said before\n", when);
    else if (*status->store_error)
        print_text("           fails: ", status->store_error,
                   "; mount it again, and then: shmapctl reattach\n");
}

static void print_journal(const struct shmap_status *status)
{
    char when[32] = "none yet";
    time_t last = (time_t)status->journal_last_commit;
    struct tm tm;

    if (last && localtime_r(&last, &tm))
        strftime(when, sizeof(when), "%F %T", &tm);
    printf("journal    %s of %s; ", humanize(status->journal_used).text,
           humanize(status->journal_size).text);
    printf("%s uncommitted, ", humanize(status->journal_uncommitted).text);
    printf("%s committed and not in files yet\n", humanize(status->journal_unapplied).text);
    printf("           %" PRIu64 " commits, the last: %s\n", status->journal_commits, when);
    if (*status->journal_error)
        print_text("           failed: ", status->journal_error, "\n");
    if (*status->journal_waits)
        print_text("           waits: ", status->journal_waits, "\n");
}

static void print_status(const struct shmap_status *status, const char *flags)
{
    print_text("mount      ", status->mountpoint, "\n");
    print_text("options    ", flags, *flags && *status->options ? "," : "");
    print_text("", status->options, "\n");
    print_text("shmapfs    ", status->version, "");
    printf(", process %" PRIu64, status->pid);
    if (status->keeper)
        printf(", keeper %" PRIu64, status->keeper);
    print_text(", transport ", status->transport, "\n");
    print_survival(status);
    if (status->store_area.present) {
        print_text("store      ", status->store, "");
        print_text(" (", status->store_area.filesystem, ")\n");
        print_outage(status);
        print_area_use(&status->store_area, status->writeback);
    }
    if (status->shared)
        print_text("           shared; what mappings store is seen by other hosts: ",
                   status->mappings, "\n");
    if (*status->scratch)
        print_text("scratch    ", status->scratch, ", which no backup needs\n");
    if (status->journal_size)
        print_journal(status);
    if (status->ram_area.present) {
        print_text("RAM area   ", status->ram_area.filesystem, "");
        print_text(", huge=", status->huge, "");
        print_text(*status->ram_area.lacks ? "; lacks " : "", status->ram_area.lacks, "\n");
        print_area_use(&status->ram_area, status->writeback);
    }
    printf("in use     %" PRIu64 " nodes, %" PRIu64 " open files, %" PRIu64 " of %" PRIu64
           " descriptors\n",
           status->nodes, status->open_files, status->descriptors, status->descriptors_max);
    if (status->shared)
        printf("locks      %" PRIu64 " owners, %" PRIu64 " waiting\n", status->lock_owners,
               status->lock_waiters);
}

/* Things that a mount has several of; none: it is older than that. */
struct own_areas {
    struct shmap_own_area *all;
    size_t count;
};
struct hosts {
    struct shmap_host *all;
    size_t count;
};

/* Prints the hosts that have the store of a mount. */
static void print_hosts(const struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++) {
        const struct shmap_host *host = &hosts->all[i];
        time_t since = (time_t)host->since;
        char when[32] = "?";
        struct tm tm;

        if (localtime_r(&since, &tm))
            strftime(when, sizeof(when), "%F %T", &tm);
        print_text("host       ", host->host, host->here ? " (this one), " : ", ");
        print_text("shmapfs ", host->version, "");
        print_text(", at ", host->mountpoint, "");
        printf(" since %s\n", when);
    }
}

static void print_own_areas(const struct own_areas *areas)
{
    for (size_t i = 0; i < areas->count; i++) {
        const struct shmap_own_area *area = &areas->all[i];

        print_text("area       ", area->directory, ", ");
        print_text("", area->words, "");
        if (!strstr(area->words, "huge="))
            print_text(",huge=", area->huge, "");
        putchar('\n');
        printf("           %s of %s, %" PRIu64 " of %" PRIu64 " inodes\n",
               humanize(area->used).text, humanize(area->size).text, area->inodes_used,
               area->inodes);
    }
}

static void add_own_areas(struct json_object *answer, const struct own_areas *areas)
{
    char *json = shmap_areas_to_json(areas->all, areas->count);
    struct json_object *array = json ? json_tokener_parse(json) : NULL;

    free(json);
    if (array)
        json_object_object_add(answer, "areas", array);
}

static void add_hosts(struct json_object *answer, const struct hosts *hosts)
{
    char *json = shmap_hosts_to_json(hosts->all, hosts->count);
    struct json_object *array = json ? json_tokener_parse(json) : NULL;

    free(json);
    if (array)
        json_object_object_add(answer, "host_list", array);
}

static int show_status(const struct listed_mount *whole, const struct listed_mount *here,
                       const struct shmap_status *status, const struct own_areas *areas,
                       const struct hosts *hosts, bool json)
{
    struct json_object *answer;

    if (!json) {
        if (whole != here) {
            print_text("bind       ", here->path, " is ");
            print_text("", here->root, " of the following mount\n");
        }
        print_status(status, here ? here->flags : "");
        print_own_areas(areas);
        print_hosts(hosts);
        return EXIT_SUCCESS;
    }
    answer = status_object(status);
    json_object_object_add(answer, "mount_options",
                           here ? json_object_new_string(here->flags) : NULL);
    add_own_areas(answer, areas);
    add_hosts(answer, hosts);
    return print_json(answer);
}

static int report_status(const char *path, const struct mount_list *list, bool json)
{
    const struct listed_mount *here = mount_list_rooted(list, path), *whole = here;
    struct own_areas areas = { .all = NULL };
    struct hosts hosts = { .all = NULL };
    struct shmap_status status;
    int result, error = shmap_status_get(path, &status);

    // Where a directory of a mount is mounted a second time, the whole mount answers.
    if (error == -ENODATA && here && (whole = mount_list_whole(list, here->device)))
        error = shmap_status_get(whole->path, &status);
    if (error)
        return fail_mount(path, error);
    shmap_areas_get(whole ? whole->path : path, &areas.all, &areas.count);
    // That asks the store, and would wait for it.
    if (status.store_area.present && !status.store_silent_since && !*status.store_error)
        shmap_hosts_get(whole ? whole->path : path, &hosts.all, &hosts.count);
    result = show_status(whole, here, &status, &areas, &hosts, json);
    free(hosts.all);
    free(areas.all);
    return result;
}

int cmd_status(const struct invocation *invocation)
{
    struct mount_list list;
    int status;

    if (invocation->count == 0)
        return cmd_list(invocation);
    mount_list_find_around(invocation->arguments[0], &list);
    status = report_status(invocation->arguments[0], &list, invocation->json);
    mount_list_free(&list);
    return status;
}
