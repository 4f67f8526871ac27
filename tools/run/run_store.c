// SPDX-License-Identifier: BSD-2-Clause
#include "tools/run/run_store.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/area/store_lock.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/directory_lock.h"
#include "lib/sys/mounts.h"
#include "tools/run/membership.h"
#include "tools/run/private_mount.h"
#include "tools/scan/process.h"
#include "tools/ui/output.h"

/* For how long nobody is told what is waited for: a daemon that is about to end does so. */
#define SILENCE_MS 500

/* The process that a user knows of, if a daemon has a store: the shmapctl that has started it, or
 * the daemon itself. Writes its number and command for a sentence. */
static void describe_holder(pid_t daemon, char *text, size_t size)
{
    CLEANUP_FD int process = process_open(daemon);
    pid_t parent = process < 0 ? 0 : process_read_info(process).parent;
    CLEANUP_FD int above = process_open(parent);
    bool is_run = above >= 0 && membership_is_shmapctl(above);
    CLEANUP_FREE char *line = process_command_line(is_run ? above : process);
    CLEANUP_FREE char *shown = printable(line);

    snprintf(text, size, "process %d (%.200s)", (int)(is_run ? parent : daemon), shown);
}

/* Returns whether the lock of a store is held. It is let go of at once, but when `keep` is set. */
static bool is_locked(int lock, bool keep)
{
    if (flock(lock, LOCK_SH | LOCK_NB) != 0)
        return errno == EWOULDBLOCK;
    if (!keep)
        flock(lock, LOCK_UN);
    return false;
}

/* Refuses a store within another one that is in use: each would see the other's objects change
 * behind its back. The locks of those around it are shared from now on, so that no run begins with
 * one of them while this one lasts. */
static int check_around(const struct run_store *store, const char *real)
{
    char directory[PATH_MAX], holder[256];
    char *slash;
    pid_t pid;

    snprintf(directory, sizeof(directory), "%s", real);
    while ((slash = strrchr(directory, '/')) && directory[1]) {
        slash[slash == directory] = '\0';
        CLEANUP_FD int lock = store_lock_open(directory);

        if (lock >= 0 && is_locked(lock, true)) {
            pid = directory_lock_holder(lock);
            describe_holder(pid, holder, sizeof(holder));
            fail(store->path,
                 "the store is inside of another one, %s, which %s has in use; choose a "
                 "separate directory",
                 directory, pid ? holder : "another process");
            return -1;
        }
        // It is closed with the end of this process.
        (void)steal_fd(&lock);
    }
    return 0;
}

/* Returns whether a process ends in the time that nobody is told of. */
static bool ends_soon(pid_t pid)
{
    CLEANUP_FD int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd end = { .fd = pidfd, .events = POLLIN };

    return pidfd < 0 || poll(&end, 1, SILENCE_MS) == 1;
}

/* The daemon waits for the store's lock by itself, and knows when to give up. A mount that can be
 * seen is not waited for. */
static void report_holder(struct run_store *store, const char *real)
{
    CLEANUP_FD int lock = store_lock_open(real);
    char where[PATH_MAX], holder[256];
    pid_t pid;

    if (lock < 0 || !is_locked(lock, false) || mounts_find_store(real, where, sizeof(where)))
        return;
    pid = directory_lock_holder(lock);
    if (pid == 0 || ends_soon(pid))
        return;
    describe_holder(pid, holder, sizeof(holder));
    fail(store->path, "the store is in use by %s; waiting for its end", holder);
    store->awaited = true;
}

static int check_store(struct run_store *store, const char *mountpoint)
{
    char real[PATH_MAX];

    if (!realpath(store->path, real)) {
        fail(store->path,
             errno == ENOENT ? "the store is a symbolic link to what does not exist; make that "
                               "directory, or remove the link (%s)"
                             : "the store cannot be used: %s",
             strerror(errno));
        return -1;
    }
    if (private_mount_hides(mountpoint, real)) {
        fail(store->path,
             "the store cannot be in %s, because COMMAND sees another directory there; choose one "
             "elsewhere",
             mountpoint);
        return -1;
    }
    if (check_around(store, real) != 0)
        return -1;
    report_holder(store, real);
    return 0;
}

int run_store_prepare(struct run_store *store, const char *mountpoint)
{
    if (!store->path)
        return 0;
    store->is_new = mkdir(store->path, 0700) == 0;
    if (!store->is_new && errno != EEXIST) {
        fail(store->path, "the store cannot be made: %s", strerror(errno));
        return -1;
    }
    if (check_store(store, mountpoint) == 0)
        return 0;
    run_store_give_up(store);
    return -1;
}

void run_store_report_ready(const struct run_store *store)
{
    if (store->awaited)
        fail(store->path, "the store is free now, and COMMAND starts");
}

void run_store_give_up(const struct run_store *store)
{
    if (store->is_new)
        rmdir(store->path);
}
