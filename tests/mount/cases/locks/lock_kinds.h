// SPDX-License-Identifier: BSD-2-Clause
/* The three kinds of locks: flock, POSIX record locks, and those of open file descriptions. */
#ifndef SHMAPFS_TESTS_LOCK_KINDS_H
#define SHMAPFS_TESTS_LOCK_KINDS_H

#include <stdbool.h>
#include <sys/types.h>

/* fcntl(2) with such a lock. */
int record_lock(int fd, int command, short type, off_t start, off_t length);

/* Lock the whole file, or wait for that; type is F_RDLCK, F_WRLCK or F_UNLCK. */
int by_flock(int fd, short type, bool wait);
int by_posix(int fd, short type, bool wait);
int by_ofd(int fd, short type, bool wait);

/* Any of them, for cases in which all kinds behave the same. */
struct lock_kind {
    int (*lock)(int fd, short type, bool wait);
};

enum { LOCK_KINDS = 3 };
extern const struct lock_kind lock_kinds[LOCK_KINDS];

#endif
