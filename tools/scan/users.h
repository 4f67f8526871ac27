// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who uses the files of a filesystem: what /proc tells of each process in one pass.
 *
 * The kernel shows the files of a mount there with the mount's own device and inode numbers, also
 * mappings that it has handed on to the area's file, and those whose descriptor is closed or whose
 * name is gone. No file is opened or asked for its attributes, so a filesystem that does not
 * answer holds nothing up.
 */
#ifndef SHMAPCTL_USERS_H
#define SHMAPCTL_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum use_kind { USE_OPEN, USE_MAPPED, USE_EXECUTING, USE_CWD, USE_ROOT };

/* One way in which a process uses a file. */
struct use {
    enum use_kind kind;
    uint64_t inode;
    char access[5];  /* open: r, w, rw, or path (O_PATH); mapped: of "rwx" what it may, or none */
    int fd;          /* open: the number */
    bool shared;     /* mapped */
    uint64_t offset; /* mapped: the bytes of the file */
    uint64_t length;
};

/* A process that uses at least one. */
struct user {
    pid_t pid;
    uid_t uid;     /* the effective one */
    char *command; /* without its arguments */
    struct use *uses;
    size_t count;
};

struct users {
    struct user *all; /* in ascending order of process ids, as /proc has them */
    size_t count;
    unsigned unseen; /* processes that may not be looked at */
};

enum { USERS_OF_ALL = 0 }; /* no file has that inode number */

/* Finds who uses a file, or any of the filesystem on that device; the calling process does not
 * count. Returns 0 or a negative errno: there is no /proc. */
int users_find(dev_t device, uint64_t inode, struct users *users);

void users_free(struct users *users);

/* Says on standard error how many could not be looked at, if any. */
void users_tell_unseen(const struct users *users);

#endif
