// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/keeper/process.h"

#include "tests/mount/harness/harness.h"

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void await_true(bool (*condition)(void *), void *argument, const char *complaint)
{
    struct timespec start, now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    while (!condition(argument)) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - start.tv_sec > WAIT_SECONDS)
            fail_msg("waited in vain for %s", complaint);
        sched_yield();
    }
}

static bool has_stopped(pid_t pid)
{
    char path[300], status = 'T';
    struct dirent *thread;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (threads == NULL)
        return false;
    while (status == 'T' && (thread = readdir(threads)) != NULL) {
        snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", (int)pid, thread->d_name);
        FILE *stat = thread->d_name[0] == '.' ? NULL : fopen(path, "re");
        if (stat != NULL && fscanf(stat, "%*d (%*[^)]) %c", &status) != 1)
            status = '?';
        if (stat != NULL)
            fclose(stat);
    }
    closedir(threads);
    return status == 'T';
}

static bool is_stopped(void *argument)
{
    return has_stopped(*(const pid_t *)argument);
}

void await_stop(pid_t pid)
{
    await_true(is_stopped, &pid, "a process that stops");
}

void stop_process(pid_t pid)
{
    assert_ok(kill(pid, SIGSTOP));
    await_stop(pid);
}

bool has_name(pid_t pid, const char *name)
{
    char path[64], line[32] = "";

    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool is_read = fgets(line, sizeof(line), file) != NULL;
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return is_read && strcmp(line, name) == 0;
}

int children_of(pid_t pid, pid_t children[CHILDREN_MOST])
{
    char path[64];
    int count = 0;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *list = fopen(path, "re");
    if (list == NULL)
        return 0;
    while (count < CHILDREN_MOST && fscanf(list, "%d", &children[count]) == 1)
        count++;
    fclose(list);
    return count;
}

unsigned descriptors_of(pid_t pid)
{
    char path[64];
    unsigned count = 0;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    while (readdir(directory) != NULL)
        count++;
    assert_ok(closedir(directory));
    return count - 2; // "." and ".."
}

void await_end(pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd event = { .fd = pidfd, .events = POLLIN };

    if (pidfd == -1) {
        assert_int_equal(errno, ESRCH);
        return;
    }
    assert_int_equal(poll(&event, 1, WAIT_SECONDS * 1000), 1);
    assert_ok(close(pidfd));
}

void kill_and_wait(pid_t pid)
{
    assert_ok(kill(pid, SIGKILL));
    await_end(pid);
}
