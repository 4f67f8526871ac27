// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/locks/lock_kinds.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

int record_lock(int fd, int command, short type, off_t start, off_t length)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
    return fcntl(fd, command, &lock);
}

int by_flock(int fd, short type, bool wait)
{
    int operation = type == F_WRLCK ? LOCK_EX : type == F_RDLCK ? LOCK_SH : LOCK_UN;
    return flock(fd, wait ? operation : operation | LOCK_NB);
}

int by_posix(int fd, short type, bool wait)
{
    return record_lock(fd, wait ? F_SETLKW : F_SETLK, type, 0, 0);
}

int by_ofd(int fd, short type, bool wait)
{
    return record_lock(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, type, 0, 0);
}

const struct lock_kind lock_kinds[LOCK_KINDS] = { { by_flock }, { by_posix }, { by_ofd } };
