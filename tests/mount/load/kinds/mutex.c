// SPDX-License-Identifier: BSD-2-Clause
/*
 * Lock files as programs have always used them: link(2), mkdir(2) and O_EXCL. The process that was
 * let in must be alone, and finds in the file that the lock protects what the last one left there.
 */
#include "tests/mount/load/load_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROCESSES = 3, WAYS = 3, MOST_TRIES = 100 };

struct guarded {
    atomic_uint inside[WAYS];
    uint64_t counter[WAYS]; // changed by whoever is inside
};

static const char *const locks[WAYS] = { "link.lock", "directory.lock", "create.lock" };
static const char *const files[WAYS] = { "link.file", "directory.file", "create.file" };

static const char *own_name(const struct load_process *process, char name[16])
{
    snprintf(name, 16, "own%u", process->member);
    return name;
}

static void make_files(struct load_process *process)
{
    uint64_t zero = 0;

    for (int i = 0; i < WAYS; i++) {
        int fd = (int)CALL(process, files[i], open(files[i], O_WRONLY | O_CREAT | O_EXCL, 0644));
        CALL_GIVES(process, files[i], sizeof(zero), write(fd, &zero, sizeof(zero)));
        CALL(process, files[i], close(fd));
    }
}

static void make_own(struct load_process *process)
{
    char own[16];

    own_name(process, own);
    CALL(process, own, mknod(own, S_IFREG | 0644, 0));
}

/* 0, or EEXIST when another has it. */
static int try_lock(struct load_process *process, unsigned way)
{
    char own[16];
    int fd = -1, error;

    switch (way) {
    case 0:
        return CALL_MAY_FAIL(process, locks[0], EEXIST, EEXIST,
                             link(own_name(process, own), locks[0]));
    case 1:
        return CALL_MAY_FAIL(process, locks[1], EEXIST, EEXIST, mkdir(locks[1], 0755));
    default:
        error = CALL_MAY_FAIL(process, locks[2], EEXIST, EEXIST,
                              fd = open(locks[2], O_WRONLY | O_CREAT | O_EXCL, 0644));
        if (error == 0)
            CALL(process, locks[2], close(fd));
        return error;
    }
}

static void unlock(struct load_process *process, unsigned way)
{
    struct stat attr = { 0 };
    char own[16];

    if (way == 1) {
        CALL(process, locks[1], rmdir(locks[1]));
        return;
    }
    if (way == 0) {
        CALL(process, "own", stat(own_name(process, own), &attr));
        load_same(process, "links of the owner", own, (int64_t)attr.st_nlink, 2);
    }
    CALL(process, locks[way], unlink(locks[way]));
}

static void count_in_file(struct load_process *process, unsigned way)
{
    struct guarded *guarded = process->shared;
    uint64_t value = 0;

    int fd = (int)CALL(process, files[way], open(files[way], O_RDWR | O_CLOEXEC));
    CALL_GIVES(process, files[way], sizeof(value), pread(fd, &value, sizeof(value), 0));
    load_same(process, "counter", files[way], (int64_t)value, (int64_t)guarded->counter[way]);
    value = ++guarded->counter[way];
    CALL_GIVES(process, files[way], sizeof(value), pwrite(fd, &value, sizeof(value), 0));
    CALL(process, files[way], close(fd));
}

static void enter_and_leave(struct load_process *process)
{
    struct guarded *guarded = process->shared;
    unsigned way = load_random(process, WAYS);

    for (int tries = 0; tries < MOST_TRIES; tries++) {
        if (try_lock(process, way) != 0) {
            sched_yield();
            continue;
        }
        load_same(process, "others inside", locks[way], atomic_fetch_add(&guarded->inside[way], 1),
                  0);
        count_in_file(process, way);
        atomic_fetch_sub(&guarded->inside[way], 1);
        unlock(process, way);
        return;
    }
}

static void look_for_locks(struct load_process *process)
{
    struct stat attr;

    for (int i = 0; i < WAYS; i++)
        CALL_FAILS(process, locks[i], ENOENT, lstat(locks[i], &attr));
}

const struct load_kind load_mutex = {
    .name = "mutex",
    .processes = PROCESSES,
    .shared_size = sizeof(struct guarded),
    .prepare = make_files,
    .begin = make_own,
    .round = enter_and_leave,
    .rest = look_for_locks,
};
