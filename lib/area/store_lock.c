// SPDX-License-Identifier: BSD-2-Clause
#include "lib/area/store_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/object/object.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/directory_lock.h"

#define LOCK_FILE "lock"

/* How often somebody else may come between two steps. */
#define ATTEMPTS 8

/* Returns whether the private directory, or the file in it, is as it must be: of the mount's owner,
 * or of the store's, who can do as he likes with it anyway. */
static bool is_own(const struct stat *st, const struct area *store)
{
    struct stat root;

    return st->st_uid == geteuid() ||
           (geteuid() == 0 && fstat(store->root, &root) == 0 && st->st_uid == root.st_uid);
}

int store_private_open(const struct area *store)
{
    CLEANUP_FD int dir =
        openat(store->root, STORE_PRIVATE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (dir < 0)
        return errno == ENOTDIR || errno == ELOOP || errno == EACCES ? -EPERM : -errno;
    if (fstat(dir, &st) != 0)
        return -errno;
    if (st.st_dev != store->device || !is_own(&st, store))
        return -EPERM;
    if ((st.st_mode & 0777) != 0700 && fchmod(dir, 0700) != 0 && errno != EROFS)
        return -errno;
    return steal_fd(&dir);
}

/* Gives another name to what a stranger has put in the private directory's place. */
static int move_stranger(const struct area *store)
{
    char name[32];

    for (unsigned i = 0; i < ATTEMPTS; i++) {
        // Somebody may have taken all names that can be guessed.
        snprintf(name, sizeof(name), i == 0 ? "%s.0" : "%s.%08x", STORE_PRIVATE, arc4random());
        if (renameat2(store->root, STORE_PRIVATE, store->root, name, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

static int find_private(const struct area *store, bool make, bool privileged, bool *made)
{
    int dir = -EPERM;

    for (unsigned i = 0; i < ATTEMPTS; i++) {
        dir = store_private_open(store);
        if (dir == -EPERM && make && privileged && move_stranger(store) == 0)
            dir = -ENOENT;
        if (dir != -ENOENT || !make)
            break;
        if (mkdirat(store->root, STORE_PRIVATE, 0700) == 0)
            *made = true;
        else if (errno != EEXIST)
            return -errno;
    }
    return dir;
}

/* Opens the file that is locked; makes it if need be. Returns as store_private_open() does. */
static int open_file(const struct area *store, int dir, bool make)
{
    int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    CLEANUP_FD int fd = openat(dir, LOCK_FILE, flags | O_RDWR | (make ? O_CREAT : 0), 0600);
    struct stat st;

    // Only some filesystems want a lock to be taken by whoever may write.
    if (fd < 0 && errno == EROFS)
        fd = openat(dir, LOCK_FILE, flags | O_RDONLY);
    if (fd < 0)
        return errno == EISDIR || errno == ELOOP || errno == ENXIO ? -EPERM : -errno;
    if (fstat(fd, &st) != 0)
        return -errno;
    return S_ISREG(st.st_mode) && is_own(&st, store) ? steal_fd(&fd) : -EPERM;
}

int store_lock_open(const char *directory)
{
    CLEANUP_FD int root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct area store = { .root = root };
    CLEANUP_FD int dir = -1;
    struct stat st;

    if (root < 0 || fstat(root, &st) != 0)
        return -errno;
    store.device = st.st_dev;
    dir = store_private_open(&store);
    return dir < 0 ? dir : open_file(&store, dir, false);
}

static int lock_fd(int fd, int operation)
{
    if (flock(fd, operation) == 0)
        return 0;
    return errno == EWOULDBLOCK || errno == EINTR ? -EBUSY : -errno;
}

/* Opens the file, and locks it as `operation` says. Returns a descriptor or a negative errno. */
static int lock_file(const struct area *store, unsigned how, int operation, bool *made)
{
    bool make = how & STORE_LOCK_MAKE, privileged = how & STORE_LOCK_PRIVILEGED;
    struct stat st;
    int error;

    for (unsigned i = 0; i < ATTEMPTS; i++) {
        CLEANUP_FD int dir = find_private(store, make, privileged, made);
        CLEANUP_FD int fd = dir < 0 ? dir : open_file(store, dir, make);

        // A mount that failed has removed the directory.
        if (fd == -ENOENT && make)
            continue;
        if (fd < 0)
            return fd;
        error = lock_fd(fd, operation);
        if (error)
            return error;
        // A mount that failed has removed the file before it let go of it.
        if (fstat(fd, &st) == 0 && st.st_nlink > 0)
            return steal_fd(&fd);
    }
    return -EBUSY;
}

static int kind_of_lock(unsigned how)
{
    return how & STORE_LOCK_SHARED ? LOCK_SH : LOCK_EX;
}

static int take(const struct area *store, unsigned how, int wait, struct store_lock *lock)
{
    int operation = kind_of_lock(how) | wait;
    int fd;
    int error;

    *lock = STORE_LOCK_NONE;
    fd = lock_file(store, how, operation, &lock->made);
    if (fd == -EBUSY)
        return fd;
    lock->fd = fd < 0 ? -1 : fd;
    lock->foreign = fd == -EPERM;
    // A user cannot see whether a stranger has this lock, or the daemon of the directory's owner.
    error = lock->foreign && !(how & STORE_LOCK_PRIVILEGED)
                ? lock_fd(store->root, operation)
                : directory_lock(store->root, kind_of_lock(how));
    if (error)
        store_lock_drop(store, lock);
    return error;
}

int store_lock_take(const struct area *store, unsigned how, struct store_lock *lock)
{
    return take(store, how, LOCK_NB, lock);
}

/* Does nothing: the signal interrupts flock(2). */
static void interrupt_wait(int signal)
{
    (void)signal;
}

int store_lock_wait(const struct area *store, unsigned how, unsigned seconds,
                    struct store_lock *lock)
{
    struct sigaction interrupt = { .sa_handler = interrupt_wait }, before;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
    // It fires again and again: the first signal may come before flock(2) waits.
    struct itimerspec limit = { .it_value.tv_sec = (time_t)seconds,
                                .it_interval.tv_nsec = 10000000 };
    timer_t timer;
    int error;

    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
        return -errno;
    sigaction(SIGALRM, &interrupt, &before);
    timer_settime(timer, 0, &limit, NULL);
    error = take(store, how, 0, lock);
    // The daemon of an earlier version has the store's own lock alone. A stranger may share it.
    if (error == -EBUSY) {
        flock(store->root, kind_of_lock(how));
        error = take(store, how, 0, lock);
    }
    timer_delete(timer);
    sigaction(SIGALRM, &before, NULL);
    return error;
}

/* The mark is a lock of another kind on the same description: it lives as long as the lock itself,
 * whichever of the daemon's processes holds that to the end. */
static struct flock mark(short kind)
{
    return (struct flock){ .l_type = kind, .l_whence = SEEK_SET, .l_len = 1 };
}

void store_lock_mark_ending(const struct area *area)
{
    struct flock ours = mark(F_RDLCK);

    // Without the mark the next mount only gives up sooner.
    fcntl(area->root, F_OFD_SETLK, &ours);
}

bool store_lock_is_ending(const struct area *area)
{
    struct flock theirs = mark(F_WRLCK);

    return fcntl(area->root, F_OFD_GETLK, &theirs) == 0 && theirs.l_type == F_RDLCK;
}

void store_lock_drop(const struct area *store, struct store_lock *lock)
{
    // Another host may share what this one has made.
    bool alone = lock->made && (lock->fd < 0 || flock(lock->fd, LOCK_EX | LOCK_NB) == 0);
    CLEANUP_FD int dir = alone ? store_private_open(store) : -1;

    if (dir >= 0 && lock->fd >= 0)
        unlinkat(dir, LOCK_FILE, 0);
    if (dir >= 0)
        unlinkat(store->root, STORE_PRIVATE, AT_REMOVEDIR);
    if (lock->record >= 0)
        close(lock->record);
    if (lock->fd >= 0)
        close(lock->fd);
    *lock = STORE_LOCK_NONE;
}

void store_identity_read(const struct area *store, struct store_identity *identity)
{
    CLEANUP_FD int dir = store_private_open(store);
    CLEANUP_FD int lock = dir < 0 ? -1 : openat(dir, LOCK_FILE, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct statx stx;

    *identity = (struct store_identity){ .ino = 0 };
    if (object_stat(store->root, &stx) == 0) {
        identity->ino = stx.stx_ino;
        identity->birth = object_birth(&stx);
    }
    if (lock >= 0 && object_stat(lock, &stx) == 0) {
        identity->lock_ino = stx.stx_ino;
        identity->lock_birth = object_birth(&stx);
    }
}

bool store_identity_tells(const struct store_identity *identity)
{
    return identity->ino && (identity->birth || identity->lock_ino);
}
