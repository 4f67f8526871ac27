// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/names/traced_worker.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/mount/harness/harness.h"

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE)

/* Waits for requests and for each other, the clock, and a thread's own memory. */
static const int aside[] = {
    SYS_read, SYS_ppoll,  SYS_futex,    SYS_clock_gettime, SYS_restart_syscall,
    SYS_mmap, SYS_munmap, SYS_mprotect, SYS_madvise,       SYS_sched_yield,
#ifdef SYS_poll
    SYS_poll,
#endif
};

static struct traced_thread *thread_of(struct traced_worker *worker, pid_t tid)
{
    for (unsigned i = 0; i < worker->count; i++)
        if (worker->threads[i].tid == tid)
            return &worker->threads[i];
    assert_true(worker->count < TRACED_THREADS_MOST);
    worker->threads[worker->count] = (struct traced_thread){ .tid = tid };
    return &worker->threads[worker->count++];
}

static void note_call(struct traced_worker *worker, pid_t tid)
{
    struct traced_thread *thread = thread_of(worker, tid);
    struct __ptrace_syscall_info info = { .op = 0 };

    ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof(info), &info);
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr >= TRACED_NUMBERS)
        return;
    thread->calls[info.entry.nr]++;
    thread->receives |= info.entry.nr == SYS_read && (int)info.entry.args[0] == worker->device;
}

/* Lets a thread that has stopped go on to its next call. */
static void go_on(struct traced_worker *worker, pid_t tid, int status)
{
    long signal = 0;

    thread_of(worker, tid);
    if (WSTOPSIG(status) == (SIGTRAP | 0x80))
        note_call(worker, tid);
    else if (status >> 16 == 0)
        signal = WSTOPSIG(status);
    // One that has ended meanwhile needs nothing.
    ptrace(PTRACE_SYSCALL, tid, NULL, (void *)signal);
}

static int device_of(pid_t pid)
{
    char path[64], target[PATH_MAX];
    int found = -1;

    for (int fd = 0; fd < 1024 && found < 0; fd++) {
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
        ssize_t length = readlink(path, target, sizeof(target) - 1);
        target[length > 0 ? length : 0] = '\0';
        if (strcmp(target, "/dev/fuse") == 0)
            found = fd;
    }
    assert_true(found >= 0);
    return found;
}

static pid_t next_thread(DIR *tasks)
{
    struct dirent *entry;

    while ((entry = readdir(tasks)) != NULL)
        if (entry->d_name[0] != '.')
            return (pid_t)strtol(entry->d_name, NULL, 10);
    return 0;
}

void trace_worker(struct traced_worker *worker, pid_t pid)
{
    char path[64];
    int status;
    pid_t tid;

    *worker = (struct traced_worker){ .pid = pid, .device = device_of(pid) };
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    assert_non_null(tasks);
    while ((tid = next_thread(tasks)) != 0) {
        assert_ok(ptrace(PTRACE_SEIZE, tid, NULL, (void *)OPTIONS));
        assert_ok(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL));
        assert_int_equal(waitpid(tid, &status, __WALL), tid);
        go_on(worker, tid, status);
    }
    closedir(tasks);
}

void leave_worker(struct traced_worker *worker)
{
    for (unsigned i = 0; i < worker->count; i++) {
        pid_t tid = worker->threads[i].tid;
        int status;

        if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0 &&
            waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status))
            ptrace(PTRACE_DETACH, tid, NULL, NULL);
    }
}

void forget_calls(struct traced_worker *worker)
{
    for (unsigned i = 0; i < worker->count; i++)
        memset(worker->threads[i].calls, 0, sizeof(worker->threads[i].calls));
}

int count_calls_until_end(struct traced_worker *worker, pid_t child)
{
    int status;
    pid_t tid;

    while ((tid = waitpid(-1, &status, __WALL)) > 0) {
        if (tid == child && !WIFSTOPPED(status))
            return status;
        if (WIFSTOPPED(status))
            go_on(worker, tid, status);
    }
    fail_msg("the client was lost");
    return -1;
}

static bool is_aside(unsigned number)
{
    for (size_t i = 0; i < sizeof(aside) / sizeof(aside[0]); i++)
        if (aside[i] == (int)number)
            return true;
    return false;
}

unsigned calls_of_requests(const struct traced_worker *worker)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < worker->count; i++)
        for (unsigned n = 0; worker->threads[i].receives && n < TRACED_NUMBERS; n++)
            sum += is_aside(n) ? 0 : worker->threads[i].calls[n];
    return sum;
}

unsigned answers_of_requests(const struct traced_worker *worker)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < worker->count; i++)
        sum += worker->threads[i].receives ? worker->threads[i].calls[SYS_writev] : 0;
    return sum;
}

unsigned calls_of_all(const struct traced_worker *worker, unsigned number)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < worker->count; i++)
        sum += worker->threads[i].calls[number];
    return sum;
}

void print_calls(const struct traced_worker *worker, unsigned pieces)
{
    for (unsigned n = 0; n < TRACED_NUMBERS; n++) {
        unsigned sum = 0;

        for (unsigned i = 0; i < worker->count; i++)
            sum += worker->threads[i].receives ? worker->threads[i].calls[n] : 0;
        if (sum * 4 >= pieces)
            print_message("    call %u: %.2f\n", n, (double)sum / pieces);
    }
}
