// SPDX-License-Identifier: BSD-2-Clause
/* Locks, leases, and flags of open files. */
#include "tests/differences/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_again(void)
{
    int fd = open("file", O_RDWR | O_CLOEXEC);

    need(fd >= 0, "open");
    return fd;
}

static void flocks(struct answer *answer)
{
    need(flock(make_file("file", PROBE_PAGE), LOCK_EX) == 0, "flock");
    says(answer, flock(open_again(), LOCK_EX | LOCK_NB) == 0 ? "no conflict" : "conflict");
}

static void range_locks(struct answer *answer, int command)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
    int status;

    need(fcntl(make_file("file", PROBE_PAGE), command, &lock) == 0, "fcntl");
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        lock = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
        _exit(fcntl(open_again(), command, &lock) == 0);
    }
    need(waitpid(child, &status, 0) == child, "waitpid");
    says(answer, status == 0 ? "conflict" : "no conflict");
}

static void process_locks(struct answer *answer)
{
    range_locks(answer, F_SETLK);
}

static void open_file_locks(struct answer *answer)
{
    range_locks(answer, F_OFD_SETLK);
}

/* The mapping keeps the open file, and with it the lock. */
static void flock_of_mapped(struct answer *answer)
{
    int fd = make_file("file", PROBE_PAGE);

    need(flock(fd, LOCK_EX) == 0, "flock");
    map_file(fd, PROBE_PAGE);
    close(fd);
    says(answer, flock(open_again(), LOCK_EX | LOCK_NB) == 0 ? "gone" : "held");
}

static void read_lease(struct answer *answer)
{
    close(make_file("file", PROBE_PAGE));
    says_result(answer, fcntl(open("file", O_RDONLY | O_CLOEXEC), F_SETLEASE, F_RDLCK));
}

static void write_lease(struct answer *answer)
{
    says_result(answer, fcntl(make_file("file", PROBE_PAGE), F_SETLEASE, F_WRLCK));
}

static void seals(struct answer *answer)
{
    says_result(answer, fcntl(make_file("file", PROBE_PAGE), F_GET_SEALS));
}

static void append_later(struct answer *answer)
{
    struct stat st;
    int fd = make_file("file", PROBE_PAGE);

    need(fcntl(fd, F_SETFL, O_APPEND) == 0, "F_SETFL");
    need(write(fd, "x", 1) == 1 && fstat(fd, &st) == 0, "write");
    says(answer, st.st_size == PROBE_PAGE + 1 ? "appends" : "does not append");
}

const struct probe LOCK_PROBES[] = {
    { "flock", flocks },
    { "F_SETLK", process_locks },
    { "F_OFD_SETLK", open_file_locks },
    { "flock, closed but mapped", flock_of_mapped },
    { "F_SETLEASE F_RDLCK", read_lease },
    { "F_SETLEASE F_WRLCK", write_lease },
    { "F_GET_SEALS", seals },
    { "F_SETFL O_APPEND", append_later },
    { NULL, NULL },
};
