// SPDX-License-Identifier: BSD-2-Clause
//
// Calls that go by names, each with many names of one directory, and the same by several processes
// at once, each in a directory of its own; and what they take of the daemon's processor time. Calls
// that make or remove the files so that a work finds what it needs are not timed.
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "names.h"
#include "parallel.h"
#include "process.h"
#include "tests/mount/harness/sandbox.h"

enum {
    NAMES_ALONE = 600,
    NAMES_EACH = 300,
    PROCESSES = 4,
    OPEN_LAPS = 3,
    STAT_LAPS = 10,
    DRAIN_CALLS = 64,
};

// A directory with some series of names, of the same length each. The files that a work makes stay
// until another removes them, or the end: a filesystem without a journal takes long to make files
// where others were removed a moment ago.
struct batch {
    int dir_fd; // or -1
    unsigned count;
    unsigned files;       // series of them
    unsigned directories; // the same
};

struct directories {
    struct batch alone;
    struct batch each[PROCESSES];
};

// The same call for a series in each of some batches, each by a process of its own.
struct task {
    pid_t daemon; // the processor time of this process is wanted; 0: the time that passes
    struct batch *batches;
    unsigned processes;
    unsigned series;
    char kind;
    name_call call;
};

// The kind of works whose value is the processor time that a call takes of the daemon.
static const int processor_time;

static int open_batch(struct subject *subject, struct batch *batch, const char *group,
                      unsigned count)
{
    char path[PATH_MAX];

    names_directory(subject, group, path);
    *batch = (struct batch){
        .dir_fd = names_open_directory(AT_FDCWD, path),
        .count = subject->quick ? count / 4 : count,
    };
    return batch->dir_fd < 0 ? batch->dir_fd : 0;
}

static void close_batch(struct subject *subject, struct batch *batch, const char *group)
{
    char path[PATH_MAX];

    if (batch->dir_fd < 0)
        return;
    close(batch->dir_fd);
    names_directory(subject, group, path);
    sandbox_remove_tree(path);
}

static const char *const each_group[PROCESSES] = { "names-1", "names-2", "names-3", "names-4" };

static int begin(struct subject *subject)
{
    struct directories *state = malloc(sizeof(*state));

    if (state == NULL)
        return -ENOMEM;
    subject->state = state;
    int error = open_batch(subject, &state->alone, "names", NAMES_ALONE);
    for (unsigned i = 0; i < PROCESSES; i++) {
        int each_error = open_batch(subject, &state->each[i], each_group[i], NAMES_EACH);

        if (error == 0)
            error = each_error;
    }
    return error;
}

static void end(struct subject *subject)
{
    struct directories *state = subject->state;

    if (state == NULL)
        return;
    close_batch(subject, &state->alone, "names");
    for (unsigned i = 0; i < PROCESSES; i++)
        close_batch(subject, &state->each[i], each_group[i]);
    free(state);
}

static int do_part(void *argument, unsigned index)
{
    const struct task *task = argument;
    const struct batch *batch = &task->batches[index];
    struct names names = { batch->dir_fd, task->kind, task->series * batch->count, batch->count };

    return names_call(&names, task->call);
}

static int do_task(struct task *task, double *seconds)
{
    double start = work_clock();
    int error;

    if (task->processes > 1)
        return parallel_run(task->processes, do_part, task, seconds);
    error = do_part(task, 0);
    *seconds = work_clock() - start;
    return error;
}

// Does the task and gives the seconds that one call took, of all that were made.
static int time_task(struct task *task, double *seconds)
{
    double before = 0, after = 0;
    int error = task->daemon > 0 ? process_processor_seconds(task->daemon, &before) : 0;

    if (error == 0)
        error = do_task(task, seconds);
    if (error == 0 && task->daemon > 0) {
        error = process_processor_seconds(task->daemon, &after);
        *seconds = after - before;
    }
    *seconds /= task->processes * task->batches[0].count;
    return error;
}

// The calls for the first series of files, which are there.
static int prepare_task(struct task *task, struct subject *subject, bool x4, name_call call)
{
    struct directories *state = subject->state;
    bool of_daemon = subject->work->kind == &processor_time;
    int error = 0;

    if (of_daemon && subject->daemon <= 0)
        return subject_refuse(subject, -ESRCH, "no daemon serves it");
    *task = (struct task){
        .daemon = of_daemon ? subject->daemon : 0,
        .batches = x4 ? state->each : &state->alone,
        .processes = x4 ? PROCESSES : 1,
        .kind = KIND_FILE,
        .call = name_make,
    };
    for (unsigned i = 0; i < task->processes && error == 0; i++) {
        if (task->batches[i].files > 0)
            continue;
        error = do_part(task, i);
        if (error == 0)
            task->batches[i].files = 1;
    }
    task->call = call;
    return error;
}

static void add_files(struct task *task, int series)
{
    for (unsigned i = 0; i < task->processes; i++)
        task->batches[i].files += (unsigned)series;
}

// For calls that one lap of would be over before the clock is worth reading.
static int time_laps(struct subject *subject, bool x4, name_call call, unsigned laps,
                     double *seconds)
{
    struct task task;
    double lap, sum = 0;
    int error = prepare_task(&task, subject, x4, call);

    if (error == 0)
        error = time_task(&task, &lap); // not counted: it warms
    for (unsigned i = 0; i < laps && error == 0; i++) {
        error = time_task(&task, &lap);
        sum += lap;
    }
    *seconds = sum / laps;
    return error;
}

static int time_create(struct subject *subject, bool x4, double *seconds)
{
    struct task task;
    int error = prepare_task(&task, subject, x4, name_create);

    if (error < 0)
        return error;
    task.series = task.batches->files;
    error = time_task(&task, seconds);
    if (error == 0)
        add_files(&task, 1);
    return error;
}

static int time_unlink(struct subject *subject, bool x4, double *seconds)
{
    struct task task;
    int error = prepare_task(&task, subject, x4, name_unlink);

    if (error < 0)
        return error;
    task.series = task.batches->files - 1;
    error = time_task(&task, seconds);
    if (error == 0)
        add_files(&task, -1);
    return error;
}

// The mean of there and back.
static int time_rename(struct subject *subject, bool x4, double *seconds)
{
    struct task task;
    double there, back;
    int error = prepare_task(&task, subject, x4, name_rename);

    if (error == 0)
        error = time_task(&task, &there);
    if (error < 0)
        return error;
    task.call = name_rename_back;
    error = time_task(&task, &back);
    *seconds = (there + back) / 2;
    return error;
}

static int run_create(struct subject *subject, double *seconds)
{
    return time_create(subject, false, seconds);
}

static int run_create_x4(struct subject *subject, double *seconds)
{
    return time_create(subject, true, seconds);
}

static int run_open(struct subject *subject, double *seconds)
{
    return time_laps(subject, false, name_open, OPEN_LAPS, seconds);
}

static int run_open_x4(struct subject *subject, double *seconds)
{
    return time_laps(subject, true, name_open, OPEN_LAPS, seconds);
}

static int run_stat_warm(struct subject *subject, double *seconds)
{
    return time_laps(subject, false, name_stat, STAT_LAPS, seconds);
}

static int run_rename(struct subject *subject, double *seconds)
{
    return time_rename(subject, false, seconds);
}

static int run_rename_x4(struct subject *subject, double *seconds)
{
    return time_rename(subject, true, seconds);
}

static int run_unlink(struct subject *subject, double *seconds)
{
    return time_unlink(subject, false, seconds);
}

static int run_unlink_x4(struct subject *subject, double *seconds)
{
    return time_unlink(subject, true, seconds);
}

// Has the kernel forget all names that it can: a tmpfs has them nowhere else. It would keep what is
// not written back yet.
static int forget_names(struct subject *subject)
{
    int error = work_sync(subject->path);

    if (error == 0)
        error = work_sync(subject->scratch);
    if (error < 0)
        return error;
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
    error = fd < 0 || write(fd, "2", 1) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    if (error < 0)
        return subject_refuse(subject, error, "only root can have the kernel forget names (%s)",
                              strerror(-error));
    // A FUSE daemon is told of what was forgotten in between these, and not while it is timed.
    for (int i = 0; i < DRAIN_CALLS; i++) {
        struct statfs fs;

        if (fstatfs(subject->dir_fd, &fs) < 0)
            return -errno;
    }
    return 0;
}

static int run_stat_cold(struct subject *subject, double *seconds)
{
    struct task task;
    int error = prepare_task(&task, subject, false, name_stat);

    if (error == 0)
        error = forget_names(subject);
    return error < 0 ? error : time_task(&task, seconds);
}

static int run_mkdir(struct subject *subject, double *seconds)
{
    struct task task;
    int error = prepare_task(&task, subject, false, name_mkdir);

    if (error < 0)
        return error;
    task.kind = KIND_DIRECTORY;
    task.series = task.batches->directories++;
    return time_task(&task, seconds);
}

static const struct work works[] = {
    { .name = "create+close", .run = run_create },
    { .name = "open+close", .run = run_open },
    { .name = "stat warm", .run = run_stat_warm },
    { .name = "stat cold", .run = run_stat_cold },
    { .name = "rename", .run = run_rename },
    { .name = "mkdir", .run = run_mkdir },
    { .name = "unlink", .run = run_unlink },
    { .name = "daemon: create+close", .run = run_create, .kind = &processor_time },
    { .name = "daemon: open+close", .run = run_open, .kind = &processor_time },
    { .name = "daemon: rename", .run = run_rename, .kind = &processor_time },
    { .name = "daemon: mkdir", .run = run_mkdir, .kind = &processor_time },
    { .name = "daemon: unlink", .run = run_unlink, .kind = &processor_time },
    { .name = "create+close x4", .run = run_create_x4 },
    { .name = "open+close x4", .run = run_open_x4 },
    { .name = "rename x4", .run = run_rename_x4 },
    { .name = "unlink x4", .run = run_unlink_x4 },
};

const struct work_group name_works = {
    .begin = begin,
    .end = end,
    .works = works,
    .count = sizeof(works) / sizeof(works[0]),
    .anywhere = true,
};
