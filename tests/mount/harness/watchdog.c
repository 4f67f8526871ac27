// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/harness/watchdog.h"

#include "tests/mount/harness/daemon.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Generous: 100,000 entries on a busy machine, under a sanitizer.
enum { CASE_SECONDS = 900 };

struct case_notice {
    char name[80];
};

void watchdog_case_begins(int pipe, const char *name)
{
    struct case_notice notice = { 0 };
    snprintf(notice.name, sizeof(notice.name), "%s", name);
    if (write(pipe, &notice, sizeof(notice)) != (ssize_t)sizeof(notice))
        print_error("the watchdog is gone\n");
}

// The runner's parent is the first process of the PID namespace; a case's child has the runner for
// one.
bool is_child_of_case(void)
{
    return getppid() != 1;
}

static void show_file(const char *pid, const char *name)
{
    char path[300], text[4096];
    snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof(text));
    if (length > 0)
        fprintf(stderr, "%s %s: %.*s\n", pid, name, (int)length, text);
    if (fd >= 0)
        close(fd);
}

// Says what every process of the namespace is doing, for whoever has to understand the hang.
static void show_processes(void)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        show_file(entry->d_name, "comm");
        show_file(entry->d_name, "syscall");
        show_file(entry->d_name, "stack");
    }
    if (proc != NULL)
        closedir(proc);
}

static int reap(pid_t runner, const char *name)
{
    int status;
    waitpid(runner, &status, 0);
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    fprintf(stderr, "FAILED: case %s killed the runner with signal %d\n", name, WTERMSIG(status));
    return EXIT_FAILURE;
}

static int await_end_of_runner(pid_t runner, int runner_fd, int pipe, const struct fixture *fixture)
{
    int daemon_fd = fixture->daemon > 0 ? (int)syscall(SYS_pidfd_open, fixture->daemon, 0) : -1;
    struct case_notice notice = { "(none yet)" };
    struct pollfd events[] = { { .fd = pipe, .events = POLLIN },
                               { .fd = runner_fd, .events = POLLIN },
                               { .fd = daemon_fd, .events = POLLIN } };
    int result = -ETIMEDOUT;
    while (poll(events, 3, CASE_SECONDS * 1000) > 0) {
        if ((events[0].revents & POLLIN) != 0) {
            if (read(pipe, &notice, sizeof(notice)) != (ssize_t)sizeof(notice))
                break;
        } else if (events[1].revents != 0) {
            result = reap(runner, notice.name);
            break;
        } else if (events[0].revents != 0)
            events[0].fd = -1; // closed: the runner is about to end
        if (events[2].revents != 0) {
            daemon_has_ended(fixture);
            fprintf(stderr, "FAILED: it ended in case %s\n", notice.name);
            events[2].fd = -1;
        }
    }
    if (daemon_fd >= 0)
        close(daemon_fd);
    if (result == -ETIMEDOUT) {
        fprintf(stderr, "FAILED: case %s took more than %d seconds\n", notice.name, CASE_SECONDS);
        show_processes();
        kill(runner, SIGKILL);
    }
    return result;
}

int watchdog_await_runner(pid_t runner, int pipe, const struct fixture *fixture)
{
    int runner_fd = (int)syscall(SYS_pidfd_open, runner, 0);
    if (runner_fd < 0)
        return -errno;
    int status = await_end_of_runner(runner, runner_fd, pipe, fixture);
    close(runner_fd);
    return status;
}
