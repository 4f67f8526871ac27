// SPDX-License-Identifier: BSD-2-Clause
/*
 * The processes that use the files of a filesystem, as one pass over /proc finds them.
 *
 * The kernel shows the files of a mount there with the mount's own device and inode numbers. That
 * holds for mappings that it has handed on to the area's file, too, and for those whose descriptor
 * is closed or whose name is gone. No file is opened or asked for its attributes, so a filesystem
 * that does not answer holds nothing up.
 */
#ifndef SHMAPCTL_USERS_H
#define SHMAPCTL_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum use_kind { USE_OPEN, USE_MAPPED, USE_EXECUTING, USE_CWD, USE_ROOT };

/* One way in which a process uses a file. */
struct file_use {
    uint64_t inode; // by which they can be sorted
    enum use_kind kind;
    char access[5];  // open: r, w, rw, or path (O_PATH); mapped: of "rwx" what it may, or none
    int fd;          // open: the number
    bool shared;     // mapped
    uint64_t offset; // mapped: the bytes of the file
    uint64_t length;
    char *path; // as the process sees it, for a file that is gone with " (deleted)"
};

/* A process that uses at least one file. */
struct user {
    pid_t pid;
    uid_t uid;     // the effective one
    char *command; // without its arguments
    struct file_use *uses;
    size_t count;
};

struct users {
    struct user *all; // in ascending order of process ids, as /proc has them
    size_t count;
    unsigned unseen; // processes that the caller may not inspect
};

enum { USERS_OF_ALL = 0 }; // no file has that inode number

/* Finds the users of a file, or with USERS_OF_ALL of any file on that device. The calling process
 * does not count. Returns 0 or a negative errno: there is no /proc. */
int users_find(dev_t device, uint64_t inode, struct users *users);

void users_free(struct users *users);

/* Prints on standard error how many processes could not be inspected, if any. */
void users_report_unseen(const struct users *users);

#endif
