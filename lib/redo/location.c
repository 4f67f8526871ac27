// SPDX-License-Identifier: BSD-2-Clause
#include "lib/redo/location.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/area/store_lock.h"
#include "lib/redo/disk.h"
#include "lib/sys/cleanup.h"

static int open_private_directory(int store)
{
    int dir = openat(store, STORE_PRIVATE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return dir >= 0 ? dir : -errno;
}

/* Returns whether nobody else can have written it: its records say what is to be written to which
 * file. */
static bool is_trusted(const struct stat *st)
{
    return S_ISREG(st->st_mode) && st->st_uid == geteuid() && st->st_nlink == 1 &&
           (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

int location_open(int store, int flags)
{
    CLEANUP_FD int dir = open_private_directory(store);
    CLEANUP_FD int fd = -1;
    struct stat st;

    if (dir < 0)
        return dir == -ENOTDIR || dir == -ELOOP ? -ENOENT : dir;
    fd = openat(dir, JOURNAL_FILE, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ELOOP || errno == EISDIR || errno == ENXIO ? -EPERM : -errno;
    if (fstat(fd, &st) != 0)
        return -errno;
    return is_trusted(&st) ? steal_fd(&fd) : -EPERM;
}

/* Makes the file, which is this user's, whichever identity the thread has for files. It gets its
 * name when it is: one that was made by halves would not be believed. */
static int make_own(int dir)
{
    CLEANUP_FD int fd = -1;

    if (unlinkat(dir, JOURNAL_FILE_NEW, 0) != 0 && errno != ENOENT)
        return -errno;
    fd = openat(dir, JOURNAL_FILE_NEW, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fchown(fd, geteuid(), getegid()) != 0 ||
        renameat2(dir, JOURNAL_FILE_NEW, dir, JOURNAL_FILE, RENAME_NOREPLACE) != 0)
        return -errno;
    return steal_fd(&fd);
}

int location_create(int store)
{
    CLEANUP_FD int dir = -1;
    CLEANUP_FD int fd = -1;
    struct stat st;
    int error;

    if (mkdirat(store, STORE_PRIVATE, 0700) != 0 && errno != EEXIST)
        return -errno;
    dir = open_private_directory(store);
    if (dir < 0)
        return dir;
    // Somebody who can rename files in it could put an old journal in the place of this one.
    if (fstat(dir, &st) != 0)
        return -errno;
    if (geteuid() != 0 && st.st_uid != geteuid())
        return -EPERM;
    fd = make_own(dir);
    if (fd < 0)
        return fd;
    // Its own sync need not bring its name to the disk.
    error = disk_sync_store(dir, true);
    if (!error)
        error = disk_sync_store(store, true);
    return error ? error : steal_fd(&fd);
}

/* Changes the directory, and brings that to the disk. */
static int change_directory(int store, const char *name)
{
    CLEANUP_FD int dir = open_private_directory(store);
    int result;

    if (dir < 0)
        return dir;
    result = name == NULL ? unlinkat(dir, JOURNAL_FILE, 0) : renameat(dir, JOURNAL_FILE, dir, name);
    if (result != 0 && errno != ENOENT)
        return -errno;
    return disk_sync_store(dir, true);
}

int location_remove(int store)
{
    return change_directory(store, NULL);
}

int location_keep_damaged(int store)
{
    return change_directory(store, JOURNAL_FILE_DAMAGED);
}
