// SPDX-License-Identifier: BSD-2-Clause
#include "lib/process/threads.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"

/* Enough for the first lines of a status. */
#define STATUS_BYTES 1024

/* Finds the value of a line, such as "State:\tS (sleeping)". */
static const char *find_value(const char *status, const char *line)
{
    const char *found = strstr(status, line);

    return found ? found + strlen(line) : "";
}

static enum threads judge(const char *status)
{
    // Both lines come after the name, in which newlines are escaped.
    char state = *find_value(status, "\nState:\t");

    if (atoi(find_value(status, "\nTracerPid:\t")) != 0)
        return THREADS_TRACED;
    switch (state) {
    case '\0':
        return THREADS_UNKNOWN;
    case 'D':
        return THREADS_AT_DISK;
    case 'R':
        return THREADS_RUNNABLE;
    default:
        return THREADS_WAITING;
    }
}

static enum threads thread_at(int directory, const char *name)
{
    char path[64], status[STATUS_BYTES];
    CLEANUP_FD int fd = -1;
    ssize_t length;

    snprintf(path, sizeof(path), "%.32s/status", name);
    fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
    length = fd < 0 ? -1 : read(fd, status, sizeof(status) - 1);
    // A thread that has ended is at nothing.
    status[length > 0 ? length : 0] = '\0';
    return judge(status);
}

bool thread_has_capability(pid_t thread, unsigned capability, bool unknown)
{
    char path[64], line[256];
    uint64_t effective;
    bool known = false;
    FILE *status;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)thread);
    status = fopen(path, "re");
    // The line of groups may be of any length.
    while (!known && status && fgets(line, sizeof(line), status))
        known = sscanf(line, "CapEff: %" SCNx64, &effective) == 1;
    if (status)
        fclose(status);
    return known ? effective >> capability & 1 : unknown;
}

enum threads threads_of(pid_t process)
{
    enum threads all = THREADS_UNKNOWN;
    struct dirent *entry;
    char path[64];
    DIR *threads;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)process);
    threads = opendir(path);
    while (threads && (entry = readdir(threads))) {
        enum threads one =
            entry->d_name[0] == '.' ? THREADS_UNKNOWN : thread_at(dirfd(threads), entry->d_name);

        if (one > all)
            all = one;
    }
    if (threads)
        closedir(threads);
    return all;
}
