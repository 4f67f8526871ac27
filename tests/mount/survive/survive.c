// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/survive/survive.h"

#include "tests/mount/survive/status_watchdog.h"
#include "tests/mount/workspace/workspace.h"

#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// As generous as WAIT_SECONDS, on a busy machine.
enum { SETTLE_SECONDS = WAIT_SECONDS, MOST_KINDS = 32, STEADY_LOOKS = 50, CALLS_PER_LOOK = 50 };

struct survive_attempt {
    const struct survive_plan *plan;
    struct survive_report *report;
    struct load *load;
    struct status_watchdog *watchdog; // of the mount, if there is one
    struct load_process dice;         // for its random numbers alone
    struct mount_status status;
    struct mount_holdings before;
    int64_t *stalls, *replies; // one for each death
};

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * (int64_t)1000000 + now.tv_nsec / 1000;
}

static int failed(int error, const char *what)
{
    fprintf(stderr, "FAILED: %s: %s\n", what, strerror(-error));
    return error;
}

/* Counts the entries of the table of descriptors that all processes of the daemon share, and tells
 * whether the mount table is among them, which a worker opens last. */
static int read_table(const struct mount_status *status, struct mount_holdings *holdings)
{
    int64_t pid = status->keeper != 0 ? status->keeper : status->pid;
    char path[64], target[128];
    const struct dirent *entry;

    snprintf(path, sizeof(path), "/proc/%" PRId64 "/fd", pid);
    DIR *directory = opendir(path);
    if (directory == NULL)
        return failed(-errno, path);
    holdings->table = 0;
    holdings->complete = 0;
    while ((entry = readdir(directory)) != NULL) {
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);
        target[length < 0 ? 0 : length] = '\0';
        holdings->complete |= strstr(target, "/mountinfo") != NULL;
        holdings->table++;
    }
    closedir(directory);
    return 0;
}

static int read_holdings(const struct survive_attempt *attempt, struct mount_holdings *holdings)
{
    struct mount_status status;
    int error = status_watchdog_read(attempt->watchdog, &status);

    if (error < 0)
        return failed(error, "the status");
    *holdings = status.holdings;
    return read_table(&status, holdings);
}

/* Reads the holdings once nothing happens any more: the kernel tells the daemon later what it does
 * not use. */
static int look_until_steady(const struct survive_attempt *attempt, struct mount_holdings *steady)
{
    int error = read_holdings(attempt, steady);

    for (int same = 0; error == 0 && same < STEADY_LOOKS; same++) {
        struct mount_holdings now;
        error = read_holdings(attempt, &now);
        if (memcmp(&now, steady, sizeof(now)) != 0)
            same = 0;
        *steady = now;
    }
    return error;
}

/* Looks at every name below the mount point, so that the kernel knows what it stands for. Returns how
 * many nodes that takes at least. */
static int64_t learn_names(const char *mountpoint)
{
    char *paths[] = { (char *)mountpoint, NULL };
    FTS *names = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    const FTSENT *entry;
    int64_t count = 0;

    if (names == NULL)
        return failed(-errno, mountpoint);
    while ((entry = fts_read(names)) != NULL) {
        bool file =
            entry->fts_info == FTS_F || entry->fts_info == FTS_SL || entry->fts_info == FTS_DEFAULT;
        // A file with several names is one node.
        count += entry->fts_info == FTS_D || (file && entry->fts_statp->st_nlink == 1);
    }
    fts_close(names);
    return count;
}

/* The most that there can be without a leak. When memory is short the kernel drops what it knows of
 * names that nobody uses, and asks for them again later: those would pass for leaks. */
static int look_before(struct survive_attempt *attempt)
{
    int64_t limit = now_us() + WAIT_SECONDS * (int64_t)1000000;
    int64_t names;
    int error;

    do {
        names = learn_names(attempt->plan->mountpoint);
        error = names < 0 ? (int)names : look_until_steady(attempt, &attempt->before);
    } while (error == 0 && (attempt->before.nodes < names || !attempt->before.complete) &&
             now_us() < limit);
    return error;
}

static int64_t excess(int64_t now, int64_t before)
{
    return now > before ? now - before : 0;
}

/* Shows what a worker that holds too much has open. */
static void show_descriptors(const struct survive_attempt *attempt)
{
    struct mount_status status;
    char path[64];

    if (status_watchdog_read(attempt->watchdog, &status) < 0)
        return;
    snprintf(path, sizeof(path), "/proc/%" PRId64 "/fd", status.pid);
    struct program_result result = run_program("ls", "-l", path, NULL);
    fprintf(stderr, "%s", result.out);
}

/* Returns what is held beyond the holdings before the first death. A node without a descriptor gets
 * one when it needs it, and one that is open a second: those are no leaks, but an entry of the table
 * that is no node's is. */
static struct mount_holdings leaks_of(const struct mount_holdings *now,
                                      const struct mount_holdings *before)
{
    int64_t needed = before->nodes + before->open_files;
    int64_t descriptors = before->descriptors > needed ? before->descriptors : needed;

    return (struct mount_holdings){
        .nodes = excess(now->nodes, before->nodes),
        .descriptors = excess(now->descriptors, descriptors),
        .open_files = excess(now->open_files, before->open_files),
        .table = excess(now->table - now->descriptors, before->table - before->descriptors),
    };
}

/* Reads what has leaked, once the daemon has heard of everything. */
static int look_for_leaks(const struct survive_attempt *attempt, struct mount_holdings *leaked)
{
    int64_t limit = now_us() + SETTLE_SECONDS * (int64_t)1000000;
    struct mount_holdings now, none = { 0 };

    do {
        int error = read_holdings(attempt, &now);
        if (error < 0)
            return error;
        *leaked = leaks_of(&now, &attempt->before);
        sched_yield();
    } while (memcmp(leaked, &none, sizeof(none)) != 0 && now_us() < limit);
    if (memcmp(leaked, &none, sizeof(none)) != 0)
        show_descriptors(attempt);
    return 0;
}

static void note_deaths(struct survive_attempt *attempt, unsigned deaths, int64_t reply)
{
    struct survive_report *report = attempt->report;

    for (unsigned i = 0; i < deaths && report->deaths < attempt->plan->deaths; i++) {
        attempt->stalls[report->deaths] = attempt->status.stall;
        attempt->replies[report->deaths++] = reply;
    }
}

/* The worker has been killed: the next one must answer. */
static int await_successor(struct survive_attempt *attempt)
{
    struct mount_status before = attempt->status;
    int64_t start = now_us(), now;

    do {
        int error = status_watchdog_read(attempt->watchdog, &attempt->status);
        now = now_us();
        if (error < 0)
            return failed(error, "the status after a death");
        if (now - start > SETTLE_SECONDS * (int64_t)1000000)
            return failed(-ETIMEDOUT, "the worker is not replaced");
    } while (attempt->status.restarts == before.restarts);
    if (attempt->status.restarts != before.restarts + 1 || attempt->status.pid == before.pid) {
        fprintf(stderr,
                "worker %" PRId64 " was killed, after %" PRId64 " restarts; now it is %" PRId64
                ", after %" PRId64 "\n",
                before.pid, before.restarts, attempt->status.pid, attempt->status.restarts);
        return failed(-EPROTO, "restarts");
    }
    // How long nobody had been served is known when somebody is.
    int error = status_watchdog_read(attempt->watchdog, &attempt->status);
    if (error < 0)
        return failed(error, "the status");
    note_deaths(attempt, 1, now - start);
    return 0;
}

static int kill_one(struct survive_attempt *attempt)
{
    unsigned calls = 1 + load_random(&attempt->dice, attempt->plan->calls);
    int error = load_await_calls(attempt->load, calls);

    if (error < 0)
        return error;
    if (kill((pid_t)attempt->status.pid, SIGKILL) == -1)
        return failed(-errno, "killing the worker");
    return await_successor(attempt);
}

/* Looks now and then how many have died. */
static int await_fault(struct survive_attempt *attempt)
{
    int64_t before = attempt->status.restarts;
    int64_t limit = now_us() + SETTLE_SECONDS * (int64_t)1000000;

    do {
        int error = load_await_calls(attempt->load, CALLS_PER_LOOK);
        if (error < 0)
            return error;
        error = status_watchdog_read(attempt->watchdog, &attempt->status);
        if (error < 0)
            return failed(error, "the status");
        if (now_us() > limit)
            return failed(-ETIMEDOUT, "no worker dies by itself");
    } while (attempt->status.restarts == before);
    note_deaths(attempt, (unsigned)(attempt->status.restarts - before), 0);
    return 0;
}

static int upgrade(struct survive_attempt *attempt)
{
    const struct survive_plan *plan = attempt->plan;
    int64_t before = attempt->status.upgrades;
    int error = load_await_calls(attempt->load, 1 + load_random(&attempt->dice, plan->calls));

    if (error < 0)
        return error;
    int64_t start = now_us();
    struct program_result result = run_program(shmapctl(), "upgrade", plan->mountpoint,
                                               plan->binary[attempt->report->deaths % 2], NULL);
    if (result.status != 0) {
        fprintf(stderr, "%s", result.err);
        return failed(-EPROTO, "shmapctl upgrade");
    }
    error = status_watchdog_read(attempt->watchdog, &attempt->status);
    if (error < 0 || attempt->status.upgrades != before + 1)
        return failed(error < 0 ? error : -EPROTO, "the status after an upgrade");
    note_deaths(attempt, 1, now_us() - start);
    return 0;
}

static int go_through(struct survive_attempt *attempt)
{
    static int (*const ways[])(struct survive_attempt *) = {
        [SURVIVE_KILLS] = kill_one,
        [SURVIVE_FAULTS] = await_fault,
        [SURVIVE_UPGRADES] = upgrade,
    };
    const struct survive_plan *plan = attempt->plan;
    int error = load_run(attempt->load);

    if (plan->deaths == 0 && error == 0)
        error = load_await_calls(attempt->load, plan->calls);
    while (error == 0 && attempt->report->deaths < plan->deaths)
        error = ways[plan->way](attempt);
    return error == 0 ? load_rest(attempt->load) : error;
}

static int compare_numbers(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

    return (a > b) - (a < b);
}

static void sum_up(int64_t *times, unsigned count, int64_t *median, int64_t *max)
{
    if (count == 0)
        return;
    qsort(times, count, sizeof(*times), compare_numbers);
    *median = times[count / 2];
    *max = times[count - 1];
}

/* The load has its directories, and rests. */
static int attempt_plan(struct survive_attempt *attempt)
{
    const struct survive_plan *plan = attempt->plan;
    struct survive_report *report = attempt->report;
    bool mounted = attempt->watchdog != NULL;
    int error = mounted ? status_watchdog_read(attempt->watchdog, &attempt->status) : 0;

    if (error < 0)
        return failed(error, "the status");
    if (plan->deaths > 0 && attempt->status.keeper == 0)
        return failed(-ENOTSUP, "the mount has no keeper");
    if (mounted)
        error = look_before(attempt);
    if (error == 0)
        error = go_through(attempt);
    if (error == 0 && mounted)
        error = look_for_leaks(attempt, &report->leaked);
    sum_up(attempt->stalls, report->deaths, &report->stall_median, &report->stall_max);
    sum_up(attempt->replies, report->deaths, &report->reply_median, &report->reply_max);
    return error;
}

static void choose_kinds(const struct survive_plan *plan, const struct load_kind **kinds)
{
    for (size_t i = 0; plan->kinds[i] != NULL; i++)
        if (plan->persistent || !plan->kinds[i]->persistent)
            *kinds++ = plan->kinds[i];
    *kinds = NULL;
}

int survive(const struct survive_plan *plan, struct survive_report *report)
{
    const struct load_kind *kinds[MOST_KINDS];
    struct survive_attempt attempt = { .plan = plan,
                                       .report = report,
                                       .dice.random = plan->seed | 1 };

    *report = (struct survive_report){ 0 };
    choose_kinds(plan, kinds);
    attempt.load = load_start(plan->directory, kinds, plan->seed);
    if (attempt.load == NULL)
        return -ECHILD;
    if (plan->mountpoint != NULL &&
        (attempt.watchdog = status_watchdog_start(plan->mountpoint)) == NULL)
        return -EAGAIN;
    attempt.stalls = calloc(plan->deaths + 1, sizeof(int64_t));
    attempt.replies = calloc(plan->deaths + 1, sizeof(int64_t));
    int error =
        attempt.stalls == NULL || attempt.replies == NULL ? -ENOMEM : attempt_plan(&attempt);
    if (attempt.watchdog != NULL)
        status_watchdog_stop(attempt.watchdog);
    free(attempt.stalls);
    free(attempt.replies);
    // Processes that hang are not waited for: they end with the first process of their namespace.
    report->load = error == 0 ? load_stop(attempt.load) : load_figures(attempt.load);
    return error;
}

bool survive_well(const struct survive_report *report)
{
    const struct mount_holdings *leaked = &report->leaked;

    return report->load.failed == 0 && report->load.different == 0 && leaked->nodes == 0 &&
           leaked->descriptors == 0 && leaked->open_files == 0 && leaked->table == 0;
}

void survive_print(const struct survive_report *report, FILE *out)
{
    const struct mount_holdings *leaked = &report->leaked;

    fprintf(out,
            "deaths %u, calls %" PRIu64 ", failed calls %" PRIu64 ", differences %" PRIu64
            ", leaked nodes %" PRId64 ", descriptors %" PRId64 ", open files %" PRId64
            ", table entries %" PRId64 ", stall median %.1f ms, maximum %.1f ms"
            ", first reply median %.1f ms, maximum %.1f ms\n",
            report->deaths, report->load.calls, report->load.failed, report->load.different,
            leaked->nodes, leaked->descriptors, leaked->open_files, leaked->table,
            (double)report->stall_median / 1e3, (double)report->stall_max / 1e3,
            (double)report->reply_median / 1e3, (double)report->reply_max / 1e3);
}
