// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/journal/crash.h"

#include "tests/mount/keeper/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>

void mount_class(const struct workspace *workspace, const char *class, const char *more)
{
    char options[256];

    snprintf(options, sizeof(options), "%s=dir%s%s", class, *more != '\0' ? "," : "", more);
    workspace_mount(workspace, true, options);
}

static void reap(pid_t pid)
{
    pid_t reaped;

    do
        reaped = waitpid(pid, NULL, 0);
    while (reaped < 0 && errno == EINTR);
    if (reaped != pid)
        await_end(pid);
}

void crash_mount(const struct workspace *workspace)
{
    pid_t keeper = daemon_of(workspace);
    pid_t children[CHILDREN_MOST];

    // None is to see another one die.
    stop_process(keeper);
    int count = children_of(keeper, children);
    for (int i = 0; i < count; i++)
        stop_process(children[i]);
    // The end of the keeper first would have the kernel wake the others.
    for (int i = 0; i < count; i++)
        assert_ok(kill(children[i], SIGKILL));
    assert_ok(kill(keeper, SIGKILL));
    // The others are this process' children then.
    reap(keeper);
    for (int i = 0; i < count; i++)
        reap(children[i]);
    if (!workspace_is_mounted(workspace->mnt))
        return;
    if (workspace->root) {
        assert_ok(umount2(workspace->mnt, MNT_DETACH));
    } else {
        struct program_result result = run_program("fusermount3", "-u", "-z", workspace->mnt, NULL);
        assert_done(&result);
    }
}

struct worker {
    const struct workspace *workspace;
    int64_t pid;
};

static bool is_replaced(void *argument)
{
    const struct worker *worker = argument;

    return read_status_number(worker->workspace, "pid") != worker->pid;
}

void replace_worker(const struct workspace *workspace)
{
    struct worker worker = { workspace, read_status_number(workspace, "pid") };

    assert_ok(kill((pid_t)worker.pid, SIGKILL));
    await_true(is_replaced, &worker, "no other worker serves");
}

static bool is_committed(void *workspace)
{
    return read_status_number(workspace, "journal_uncommitted") == 0;
}

static bool is_applied(void *workspace)
{
    return is_committed(workspace) && read_status_number(workspace, "journal_unapplied") == 0;
}

void await_committed(struct workspace *workspace)
{
    await_true(is_committed, workspace, "what was written is not committed");
}

void await_applied(struct workspace *workspace)
{
    await_true(is_applied, workspace, "what is committed is not in the files");
}

void push_pages(int fd)
{
    assert_ok(sync_file_range(fd, 0, 0,
                              SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                  SYNC_FILE_RANGE_WAIT_AFTER));
}

int set_control(const char *path, const char *name, const char *value)
{
    return setxattr(path, name, value, strlen(value), 0);
}
