// SPDX-License-Identifier: BSD-2-Clause
#include "tools/recover/store_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/area/store_lock.h"
#include "lib/journal/journal.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/mounts.h"
#include "tools/ui/output.h"

/* Milliseconds from one line on the terminal to the next. */
#define PERIOD 200

struct listening {
    bool shown; // the user has a terminal to see it on
    int64_t next;
};

static void clear_progress(const struct listening *listening)
{
    if (listening->shown)
        fputs("\r\033[K", stderr);
}

static void tell_line(void *context, const char *line)
{
    clear_progress(context);
    fprintf(stderr, "shmapctl: %s\n", line);
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    struct listening *listening = context;

    if (!listening->shown || now_ms() < listening->next)
        return;
    listening->next = now_ms() + PERIOD;
    fprintf(stderr, "\rrecovering %s of %s \033[K", humanize(done).text, humanize(total).text);
}

static int fail_mounted(const char *path)
{
    CLEANUP_FREE char *absolute = realpath(path, NULL);
    char mountpoint[PATH_MAX];

    if (absolute != NULL && mounts_find_store(absolute, mountpoint, sizeof(mountpoint)))
        return fail(path,
                    "the store is mounted at %s, whose daemon looks after its journal; "
                    "unmount it first",
                    mountpoint);
    return fail(path, "a daemon has this store, and looks after its journal; wait for its end");
}

/* Opens a directory that should be a store. Returns 0 or an exit status. */
static int open_store(const char *path, struct area *store)
{
    CLEANUP_FREE char *absolute = realpath(path, NULL);
    struct stat st;

    *store = AREA_NONE;
    store->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->root < 0 || fstat(store->root, &st) != 0)
        return fail(path, "%s; name the directory that is mounted as STORE", strerror(errno));
    store->device = st.st_dev;
    if (absolute != NULL && mounts_at(absolute))
        return fail(path, "this is a mount, and not a store; its daemon looks after the journal of "
                          "its store");
    return EXIT_SUCCESS;
}

static void print_numbers(const char *path, const struct journal_report *report)
{
    printf("%s: %s of committed data of %" PRIu64 " file%s, from %" PRIu64 " commit%s\n", path,
           humanize(report->bytes).text, report->objects, report->objects == 1 ? "" : "s",
           report->commits, report->commits == 1 ? "" : "s");
    if (report->uncommitted > 0)
        printf("%s: %s was not committed, and does not count\n", path,
               humanize(report->uncommitted).text);
    if (report->torn > 0)
        printf("%s: the last commit was never acknowledged, and does not count\n", path);
    if (report->gone > 0)
        printf("%s: %" PRIu64 " of the files have been removed\n", path, report->gone);
}

static int print_report(const char *path, const struct journal_report *report, bool json)
{
    struct json_object *answer = json_object_new_object();

    json_object_object_add(answer, "path", json_object_new_string(path));
    json_object_object_add(answer, "journal", json_object_new_boolean(report->exists));
    json_object_object_add(answer, "files", json_object_new_uint64(report->objects));
    json_object_object_add(answer, "committed", json_object_new_uint64(report->bytes));
    json_object_object_add(answer, "commits", json_object_new_uint64(report->commits));
    json_object_object_add(answer, "uncommitted", json_object_new_uint64(report->uncommitted));
    json_object_object_add(answer, "torn", json_object_new_uint64(report->torn));
    json_object_object_add(answer, "gone", json_object_new_uint64(report->gone));
    json_object_object_add(answer, "damaged", json_object_new_uint64(report->damaged));
    json_object_object_add(answer, "broken", json_object_new_boolean(report->broken));
    if (json)
        return print_json(answer);
    json_object_put(answer);
    if (!report->exists)
        printf("%s: there is no journal; the store has everything\n", path);
    else
        print_numbers(path, report);
    return EXIT_SUCCESS;
}

/* Damage is a failure, though as much as possible was done. */
static int judge(const char *path, const struct journal_report *report, int status)
{
    if (report->damaged > 0)
        status = fail(path,
                      "%" PRIu64 " files have a damaged commit, and have or get the one "
                      "before it",
                      report->damaged);
    if (report->broken)
        status = fail(path, "commits at the end of the journal are lost to damage; what comes "
                            "before is whole");
    return status;
}

static int work(const char *path, const struct area *store, bool recover, bool json)
{
    struct listening listening = { .shown = isatty(STDERR_FILENO) };
    const struct journal_listener listener = { .tell = tell_line,
                                               .progress = recover ? show_progress : NULL,
                                               .context = &listening };
    struct journal_report report;
    struct complaint complaint;
    int error =
        (recover ? journal_recover : journal_verify)(store->root, &listener, &report, &complaint);

    clear_progress(&listening);
    if (error)
        return fail(path, "%s", complaint.text);
    return judge(path, &report, print_report(path, &report, json));
}

int store_journal_recover(const char *path, bool json)
{
    struct area store;
    struct store_lock lock;
    int status = open_store(path, &store);
    int error =
        status ? 0 : store_lock_take(&store, geteuid() == 0 ? STORE_LOCK_PRIVILEGED : 0, &lock);

    if (!status && error == -EBUSY)
        status = fail_mounted(path);
    else if (!status && error)
        status = fail(path, "the store cannot be locked: %s", strerror(-error));
    if (!status && !error) {
        status = work(path, &store, true, json);
        store_lock_drop(&store, &lock);
    }
    area_close(&store);
    return status;
}

int store_journal_verify(const char *path, bool json)
{
    struct area store;
    int status = open_store(path, &store);

    if (!status)
        status = work(path, &store, false, json);
    area_close(&store);
    return status;
}
