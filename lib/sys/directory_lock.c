// SPDX-License-Identifier: BSD-2-Clause
#include "lib/sys/directory_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"

/* The names of our programs begin with this. */
#define PROGRAM "shmapfs"

/* Returns whether a process (its directory in /proc) is of root or of our own user. A program with
 * setuid has its caller as its real user. */
static bool is_trusted(int process)
{
    CLEANUP_FD int fd = openat(process, "status", O_RDONLY | O_CLOEXEC);
    char text[4096];
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    const char *line;
    unsigned real, effective;

    if (length < 0)
        return false;
    text[length] = '\0';
    line = strstr(text, "\nUid:");
    return line && sscanf(line, " Uid: %u %u", &real, &effective) == 2 && real == effective &&
           (real == 0 || real == geteuid());
}

/* Returns whether a process runs a program of ours. A service of root's can be sent a descriptor by
 * anybody, and knows nothing of the lock on it. */
static bool is_daemon(int process)
{
    char path[PATH_MAX];
    ssize_t length = readlinkat(process, "exe", path, sizeof(path) - 1);
    const char *name;

    // Without CAP_SYS_PTRACE the name that the process gives itself must do.
    if (length < 0 && errno == EACCES) {
        CLEANUP_FD int fd = openat(process, "comm", O_RDONLY | O_CLOEXEC);
        length = fd < 0 ? -1 : read(fd, path, sizeof(path) - 1);
        // A keeper that its service manager does not know has put its name into parentheses.
        name = length > 0 && *path == '(' ? path + 1 : path;
        return length > 0 && strncmp(name, PROGRAM, strlen(PROGRAM)) == 0;
    }
    if (length < 0)
        return false;
    path[length] = '\0';
    name = strrchr(path, '/');
    return name && strncmp(name + 1, PROGRAM, strlen(PROGRAM)) == 0;
}

/* Returns whether an open file of a process, by its number, has a lock on the file. */
static bool has_lock(int process, const char *number, const struct stat *of)
{
    char path[NAME_MAX + 16], text[4096];
    struct statx stx;
    struct stat st;
    ssize_t length;

    snprintf(path, sizeof(path), "fdinfo/%s", number);
    CLEANUP_FD int fd = openat(process, path, O_RDONLY | O_CLOEXEC);
    length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (length < 0)
        return false;
    text[length] = '\0';
    if (!strstr(text, "FLOCK"))
        return false;
    snprintf(path, sizeof(path), "fd/%s", number);
    // Other files that the process has open need not be asked: they may hang.
    return statx(process, path, AT_STATX_DONT_SYNC, STATX_INO, &stx) == 0 &&
           stx.stx_ino == of->st_ino && fstatat(process, path, &st, 0) == 0 &&
           st.st_dev == of->st_dev && st.st_ino == of->st_ino;
}

/* `hidden` is what is to be said of a process that cannot be looked at. */
static bool holds_lock(int process, const struct stat *of, bool hidden)
{
    int fd = openat(process, "fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *numbers = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    bool found = fd < 0 && errno == EACCES && hidden;

    if (!numbers && fd >= 0)
        close(fd);
    while (!found && numbers && (entry = readdir(numbers)))
        found = entry->d_name[0] != '.' && has_lock(process, entry->d_name, of);
    if (numbers)
        closedir(numbers);
    return found;
}

static bool is_holder(int proc, const char *name, const struct stat *of, bool hidden)
{
    CLEANUP_FD int process = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return process >= 0 && is_daemon(process) && is_trusted(process) &&
           holds_lock(process, of, hidden);
}

/* Returns the parent of a process; 0: it cannot be seen. */
static pid_t parent_of(int proc, pid_t pid)
{
    char path[32], text[4096];
    const char *line;
    ssize_t length;
    int parent;

    snprintf(path, sizeof(path), "%d/status", (int)pid);
    CLEANUP_FD int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (length < 0)
        return 0;
    text[length] = '\0';
    line = strstr(text, "\nPPid:");
    return line && sscanf(line, " PPid: %d", &parent) == 1 ? parent : 0;
}

/* Returns the keeper of a daemon's process that has a lock: all its processes share the lock, and
 * that one has started the others. */
static pid_t find_first(int proc, pid_t pid, const struct stat *of)
{
    char name[16];
    pid_t parent;

    for (;;) {
        parent = parent_of(proc, pid);
        snprintf(name, sizeof(name), "%d", (int)parent);
        if (parent <= 0 || parent == getpid() || !is_holder(proc, name, of, false))
            return pid;
        pid = parent;
    }
}

/* Returns another daemon of ours that has the lock of a file or directory; 0: there is none. */
static pid_t find_holder(int fd, bool hidden)
{
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    struct stat st;
    pid_t found = 0;

    if (fstat(fd, &st) == 0) {
        while (!found && processes && (entry = readdir(processes))) {
            pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

            // The process that has started us has the locks that we inherited.
            if (pid > 0 && pid != getpid() &&
                is_holder(dirfd(processes), entry->d_name, &st, hidden))
                found = find_first(dirfd(processes), pid, &st);
        }
    }
    if (processes)
        closedir(processes);
    return found;
}

pid_t directory_lock_holder(int fd)
{
    return find_holder(fd, false);
}

int directory_lock(int dir, int kind)
{
    if (flock(dir, kind | LOCK_NB) == 0)
        return 0;
    if (errno != EWOULDBLOCK)
        return -errno;
    // A daemon that cannot be looked at may be the one: two on one directory are worse than none.
    return find_holder(dir, true) ? -EBUSY : 0;
}
