// SPDX-License-Identifier: BSD-2-Clause
#include "lib/area/host_record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/area/store_lock.h"
#include "lib/sys/cleanup.h"

#define RECORD_PREFIX "host."

/* The end of its name while it is being written. */
#define DRAFT_SUFFIX ".new"

/* A record has a path and two short texts, each byte of which may be written as six. */
#define RECORD_MAX 32768

/* How many hosts are read of: as many as the answer has room for, and more than anybody has. */
#define HOSTS_MAX 100

/* How often somebody else may come between two steps. */
#define ATTEMPTS 8

static bool is_record_name(const char *name)
{
    return strncmp(name, RECORD_PREFIX, strlen(RECORD_PREFIX)) == 0;
}

static bool is_draft_name(const char *name)
{
    size_t length = strlen(name), suffix = strlen(DRAFT_SUFFIX);

    return length > suffix && strcmp(name + length - suffix, DRAFT_SUFFIX) == 0;
}

/* Takes the lock of a record. Returns false if its mount lives. */
static bool lock_record(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static int open_record(int dir, const char *name)
{
    return openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* Calls `work` with each record and its descriptor, until it says that it is done. */
static int for_each_record(const struct area *store,
                           bool (*work)(int dir, const char *name, int fd, void *argument),
                           void *argument)
{
    CLEANUP_FD int dir = store_private_open(store);
    int again = dir < 0 ? -1 : openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = again < 0 ? NULL : fdopendir(again);
    const struct dirent *entry;
    bool goes_on = true;

    if (dir < 0)
        return dir;
    if (!names) {
        int error = errno;

        if (again >= 0)
            close(again);
        return -error;
    }
    while (goes_on && (entry = readdir(names))) {
        CLEANUP_FD int fd = is_record_name(entry->d_name) ? open_record(dir, entry->d_name) : -1;

        if (fd >= 0)
            goes_on = work(dir, entry->d_name, fd, argument);
    }
    closedir(names);
    return 0;
}

static bool remove_dead(int dir, const char *name, int fd, void *argument)
{
    (void)argument;
    if (lock_record(fd))
        unlinkat(dir, name, 0);
    return true;
}

/* Makes a file that is locked. Returns a descriptor or a negative errno; -EAGAIN: somebody took it
 * for one whose mount has gone. */
static int make_locked(int dir, const char *name)
{
    CLEANUP_FD int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat st;

    if (fd < 0)
        return errno == EEXIST ? -EAGAIN : -errno;
    if (!lock_record(fd))
        return -EAGAIN;
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? steal_fd(&fd) : -EAGAIN;
}

/* Writes the record to its servers: this host would keep it until its descriptor is closed. */
static int write_record(int fd, const struct shmap_host *host)
{
    CLEANUP_FREE char *json = shmap_hosts_to_json(host, 1);
    ssize_t written;

    if (!json)
        return -ENOMEM;
    written = write(fd, json, strlen(json));
    if (written != (ssize_t)strlen(json))
        return written < 0 ? -errno : -ENOSPC;
    return fdatasync(fd) == 0 ? 0 : -errno;
}

/* Writes the draft, and gives it the name that others look for. They would keep the size of what
 * they saw while it was being written. */
static int publish_record(int dir, const char *draft, int fd, const struct shmap_host *host)
{
    char name[NAME_MAX + 1];
    int error = write_record(fd, host);

    snprintf(name, sizeof(name), "%.*s", (int)(strlen(draft) - strlen(DRAFT_SUFFIX)), draft);
    if (!error && renameat(dir, draft, dir, name) != 0)
        error = -errno;
    if (error)
        unlinkat(dir, draft, 0);
    return error;
}

int host_record_make(const struct area *store, const struct shmap_host *host)
{
    CLEANUP_FD int dir = store_private_open(store);
    CLEANUP_FD int fd = -EAGAIN;
    char draft[32];
    int error;

    if (dir < 0)
        return dir;
    for_each_record(store, remove_dead, NULL);
    for (unsigned i = 0; fd == -EAGAIN && i < ATTEMPTS; i++) {
        snprintf(draft, sizeof(draft), RECORD_PREFIX "%08x" DRAFT_SUFFIX, arc4random());
        fd = make_locked(dir, draft);
    }
    if (fd < 0)
        return fd;
    error = publish_record(dir, draft, fd, host);
    return error ? error : steal_fd(&fd);
}

/* Reads a record, for free(); NULL: it is none. */
static struct shmap_host *read_record(int fd)
{
    CLEANUP_FREE char *json = calloc(1, RECORD_MAX);
    ssize_t length = json ? pread(fd, json, RECORD_MAX - 1, 0) : -1;
    struct shmap_host *host = NULL;
    size_t count = 0;

    if (length <= 0 || shmap_hosts_from_json(json, &host, &count) != 0 || count == 1)
        return host;
    free(host);
    return NULL;
}

static bool are_same(const struct shmap_host *one, const struct shmap_host *other)
{
    return strcmp(one->host, other->host) == 0 && strcmp(one->mountpoint, other->mountpoint) == 0;
}

static bool are_one_file(int fd, int other)
{
    struct stat st, wanted;

    return fstat(fd, &st) == 0 && fstat(other, &wanted) == 0 && st.st_ino == wanted.st_ino &&
           st.st_dev == wanted.st_dev;
}

static bool remove_own(int dir, const char *name, int fd, void *record)
{
    if (!are_one_file(fd, *(const int *)record))
        return true;
    unlinkat(dir, name, 0);
    return false;
}

void host_record_remove(const struct area *store, int record)
{
    if (record >= 0)
        for_each_record(store, remove_own, &record);
}

struct host_reading {
    const struct shmap_host *own;
    int record;
    struct shmap_host *hosts;
    size_t count;
};

static bool add_living(int dir, const char *name, int fd, void *argument)
{
    struct host_reading *reading = argument;
    CLEANUP_FREE struct shmap_host *host = NULL;

    (void)dir;
    if (is_draft_name(name))
        return true;
    host = lock_record(fd) ? NULL : read_record(fd);
    if (!host)
        return true;
    host->here =
        reading->record >= 0 ? are_one_file(fd, reading->record) : are_same(host, reading->own);
    reading->hosts[reading->count++] = *host;
    return reading->count < HOSTS_MAX;
}

int host_records_read(const struct area *store, const struct shmap_host *own, int record,
                      struct shmap_host **hosts, size_t *count)
{
    struct host_reading reading = { .own = own,
                                    .record = record,
                                    .hosts = calloc(HOSTS_MAX, sizeof(**hosts)) };
    int error = reading.hosts ? for_each_record(store, add_living, &reading) : -ENOMEM;

    *hosts = reading.hosts;
    *count = reading.count;
    if (error) {
        free(reading.hosts);
        *hosts = NULL;
        *count = 0;
    }
    return error;
}

void host_record_fill(struct shmap_host *host)
{
    if (gethostname(host->host, sizeof(host->host)) != 0)
        strlcpy(host->host, "localhost", sizeof(host->host));
    host->host[sizeof(host->host) - 1] = '\0';
    host->since = (uint64_t)time(NULL);
}
