// SPDX-License-Identifier: BSD-2-Clause
/*
 * The end of a worker at a named point of a request's life.
 *
 *   SHMAPFS_FAULT=POINT:N  each worker is killed at its n-th passing of the point, where n is drawn
 *                          from 1 to N for each; with "all" for POINT the point, of those that each
 *                          request passes, is drawn, too
 *   SHMAPFS_HALT=DIRECTORY a worker that passes a point and finds a file of the point's name in the
 *                          directory removes the file and stops, until it is killed or continued
 *   SHMAPFS_HOLD=DIRECTORY a thread that passes a point and finds a file of the point's name in the
 *                          directory removes the file, and goes no further as long as somebody
 *                          else has it locked (flock); the other threads do
 *   SHMAPFS_FORGETFUL=1    every kernel is taken for one that does not send requests again
 *   SHMAPFS_POISON=TEXT    a request that has the text in it, such as the name of a file, ends the
 *                          worker that serves it with a segmentation fault
 *   SHMAPFS_STUCK=FILE     a request that has «stuck» in it waits as long as somebody has the file
 *                          locked (flock)
 */
#include "fs/util/fault.h"

#include <linux/fuse.h>

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

static const char *const NAMES[] = {
    [FAULT_AFTER_READ] = "after-read",
    [FAULT_BEFORE_EXECUTION] = "before-execution",
    [FAULT_AFTER_EXECUTION] = "after-execution",
    [FAULT_BEFORE_RECORD] = "before-record",
    [FAULT_AFTER_RECORD] = "after-record",
    [FAULT_AFTER_REPLY] = "after-reply",
    [FAULT_IN_FORGET] = "in-forget",
    [FAULT_AFTER_RESEND] = "after-resend",
    [FAULT_IN_REMOVAL] = "in-removal",
    [FAULT_AFTER_REMOVAL] = "after-removal",
    [FAULT_IN_AREA] = "in-area",
    [FAULT_IN_SWITCH] = "in-switch",
    [FAULT_IN_REATTACH] = "in-reattach",
    [FAULT_AFTER_END] = "after-end",
};
#define POINTS            (sizeof(NAMES) / sizeof(NAMES[0]))
#define POINTS_OF_REQUEST FAULT_AFTER_RESEND

/* The point at which a worker dies. */
struct fate {
    unsigned point;  // POINTS: none
    atomic_int left; // passings, with the last one
};

static unsigned draw(unsigned below)
{
    unsigned number = 0;

    if (getrandom(&number, sizeof(number), 0) != sizeof(number))
        abort();
    return number % below;
}

static void seal(struct fate *fate)
{
    const char *wish = getenv("SHMAPFS_FAULT");
    const char *colon = wish ? strchr(wish, ':') : NULL;
    size_t length = colon ? (size_t)(colon - wish) : 0;
    unsigned most = colon ? (unsigned)atoi(colon + 1) : 0;

    fate->point = POINTS;
    if (most == 0)
        return;
    if (length == 3 && strncmp(wish, "all", 3) == 0)
        fate->point = draw(POINTS_OF_REQUEST);
    for (unsigned i = 0; i < POINTS; i++) {
        if (strlen(NAMES[i]) == length && strncmp(wish, NAMES[i], length) == 0)
            fate->point = i;
    }
    if (fate->point == POINTS) {
        fprintf(stderr, "SHMAPFS_FAULT=%s names no point\n", wish);
        abort();
    }
    fate->left = 1 + (int)draw(most);
}

static void halt_at(enum fault_point point)
{
    const char *directory = getenv("SHMAPFS_HALT");
    char path[4096];

    if (directory == NULL)
        return;
    snprintf(path, sizeof(path), "%s/%s", directory, NAMES[point]);
    if (unlink(path) == 0)
        raise(SIGSTOP); // this very thread goes no further
}

static void hold_at(enum fault_point point)
{
    const char *directory = getenv("SHMAPFS_HOLD");
    char path[4096];
    int fd;

    if (directory == NULL)
        return;
    snprintf(path, sizeof(path), "%s/%s", directory, NAMES[point]);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return;
    if (unlink(path) == 0 && flock(fd, LOCK_SH) == -1)
        abort();
    close(fd);
}

void fault_point(enum fault_point point)
{
    // A worker is a fork of its keeper, which passes no points.
    static struct fate fate;
    static atomic_flag sealed = ATOMIC_FLAG_INIT;
    static atomic_bool known;

    if (!atomic_flag_test_and_set(&sealed)) {
        seal(&fate);
        known = true;
    }
    if (known && fate.point == point && atomic_fetch_sub(&fate.left, 1) == 1)
        kill(getpid(), SIGKILL);
    halt_at(point);
    hold_at(point);
}

static void wait_for_lock(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1 || flock(fd, LOCK_SH) == -1)
        abort();
    close(fd);
}

void fault_request(const struct fuse_in_header *header)
{
    const char *poison = getenv("SHMAPFS_POISON");
    const char *lock = getenv("SHMAPFS_STUCK");

    if (poison && memmem(header, header->len, poison, strlen(poison)))
        raise(SIGSEGV);
    if (lock && memmem(header, header->len, "stuck", 5))
        wait_for_lock(lock);
}

bool fault_hasty_kernel(void)
{
    return true;
}

bool fault_forgetful_kernel(void)
{
    return getenv("SHMAPFS_FORGETFUL") != NULL;
}
