// SPDX-License-Identifier: BSD-2-Clause
/*
 * One process holds a flock, a POSIX and an open file description's lock, and gives each up now and
 * then; another tries to get them, and must be kept out exactly while they are held.
 */
#include "tests/mount/load/load_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { FLOCK, POSIX, DESCRIPTION, WAYS };

struct locked {
    pthread_mutex_t lock; // around what changes or tries a lock
    bool held[WAYS];
};

static const char *const names[WAYS] = { "flock", "posix", "description" };

static int apply(int way, int fd, bool take)
{
    struct flock range = {
        .l_type = take ? F_WRLCK : F_UNLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20
    };

    if (way == FLOCK)
        return flock(fd, take ? LOCK_EX | LOCK_NB : LOCK_UN);
    return fcntl(fd, way == POSIX ? F_SETLK : F_OFD_SETLK, &range);
}

static void prepare_locks(struct load_process *process)
{
    struct locked *locked = process->shared;
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&locked->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

static void open_files(struct load_process *process)
{
    struct locked *locked = process->shared;
    int *fds = calloc(WAYS, sizeof(*fds));

    if (fds == NULL)
        _exit(EXIT_FAILURE);
    process->own = fds;
    pthread_mutex_lock(&locked->lock);
    for (int way = 0; way < WAYS; way++) {
        fds[way] =
            (int)CALL(process, names[way], open(names[way], O_RDWR | O_CREAT | O_CLOEXEC, 0644));
        if (process->member == 0) {
            CALL(process, names[way], apply(way, fds[way], true));
            locked->held[way] = true;
        }
    }
    pthread_mutex_unlock(&locked->lock);
    // Now the lock is held, whoever comes first.
    load_meet(process);
}

static void hold_or_let_go(struct load_process *process, int way)
{
    struct locked *locked = process->shared;
    const int *fds = process->own;
    char value[8];

    // Held most of the time.
    bool take = load_random(process, 8) != 0;
    CALL(process, names[way], apply(way, fds[way], take));
    locked->held[way] = take;
    // Locks are the kernel's own affair; this is the daemon's.
    CALL_FAILS(process, names[way], ENODATA,
               fgetxattr(fds[way], "user.none", value, sizeof(value)));
}

static void try(struct load_process *process, int way)
{
    const struct locked *locked = process->shared;
    const int *fds = process->own;

    if (locked->held[way]) {
        CALL_FAILS(process, names[way], EAGAIN, apply(way, fds[way], true));
        return;
    }
    CALL(process, names[way], apply(way, fds[way], true));
    CALL(process, names[way], apply(way, fds[way], false));
}

/* Another description of the same file. */
static void open_again(struct load_process *process, int way)
{
    int fd = (int)CALL(process, names[way], open(names[way], O_RDWR | O_CLOEXEC));
    const struct locked *locked = process->shared;

    if (way == FLOCK)
        CALL_FAILS(process, names[way], locked->held[way] ? EAGAIN : 0, apply(way, fd, true));
    // A process that closes any descriptor of the file loses its POSIX locks: the holder does not
    // come here.
    CALL(process, names[way], close(fd));
}

static void use_locks(struct load_process *process)
{
    struct locked *locked = process->shared;
    int way = (int)load_random(process, WAYS);

    pthread_mutex_lock(&locked->lock);
    if (process->member == 0) {
        hold_or_let_go(process, way);
    } else {
        try(process, way);
        open_again(process, way);
    }
    pthread_mutex_unlock(&locked->lock);
}

const struct load_kind load_hold_locks = {
    .name = "locks",
    .processes = 2,
    .shared_size = sizeof(struct locked),
    .attributes = true,
    .prepare = prepare_locks,
    .begin = open_files,
    .round = use_locks,
};
