// SPDX-License-Identifier: BSD-2-Clause
/*
 * All processes do the same to the same name at the same moment, and exactly one may be told that
 * it was the one: who makes the name, and who takes it away.
 */
#include "tests/mount/load/load_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROCESSES = 3, MATCHES = 8 };

struct match {
    unsigned make, take; // what is done
    char name[16];
    atomic_uint makers, takers; // who were told that it was them
};

/* Each process has a name of its own, too. 0 or an errno. */
typedef int contest(struct load_process *process, const char *name, const char *own);

static int create(struct load_process *process, const char *name, const char *own)
{
    int fd = -1;
    int error = CALL_MAY_FAIL(process, name, EEXIST, EEXIST,
                              fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));

    (void)own;
    if (error == 0)
        CALL(process, name, close(fd));
    return error;
}

static int make_directory(struct load_process *process, const char *name, const char *own)
{
    (void)own;
    return CALL_MAY_FAIL(process, name, EEXIST, EEXIST, mkdir(name, 0755));
}

static int make_symlink(struct load_process *process, const char *name, const char *own)
{
    return CALL_MAY_FAIL(process, name, EEXIST, EEXIST, symlink(own, name));
}

static int make_node(struct load_process *process, const char *name, const char *own)
{
    (void)own;
    return CALL_MAY_FAIL(process, name, EEXIST, EEXIST, mknod(name, S_IFREG | 0644, 0));
}

/* The own file is there under both names for the winner, and for the others under its own. */
static int make_link(struct load_process *process, const char *name, const char *own)
{
    struct stat attr = { 0 };

    CALL(process, own, mknod(own, S_IFREG | 0644, 0));
    int error = CALL_MAY_FAIL(process, name, EEXIST, EEXIST, link(own, name));
    CALL(process, own, lstat(own, &attr));
    load_same(process, "links", own, (int64_t)attr.st_nlink, error == 0 ? 2 : 1);
    CALL(process, own, unlink(own));
    return error;
}

static int move_there(struct load_process *process, const char *name, const char *own)
{
    CALL(process, own, mknod(own, S_IFREG | 0644, 0));
    int error = CALL_MAY_FAIL(process, name, EEXIST, EEXIST,
                              renameat2(AT_FDCWD, own, AT_FDCWD, name, RENAME_NOREPLACE));
    CALL_FAILS(process, own, error == 0 ? ENOENT : 0, unlink(own));
    return error;
}

static int name_nameless(struct load_process *process, const char *name, const char *own)
{
    char path[32];
    int fd = (int)CALL(process, own, open(".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644));

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int error = CALL_MAY_FAIL(process, name, EEXIST, EEXIST,
                              linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW));
    CALL(process, own, close(fd));
    return error;
}

static int take_away(struct load_process *process, const char *name, const char *own)
{
    struct stat attr;

    (void)own;
    CALL_MAY_FAIL(process, name, ENOENT, ENOENT, lstat(name, &attr));
    return CALL_MAY_FAIL(process, name, ENOENT, ENOENT, remove(name));
}

static int move_away(struct load_process *process, const char *name, const char *own)
{
    int error = CALL_MAY_FAIL(process, name, ENOENT, ENOENT, rename(name, own));

    CALL_FAILS(process, own, error == 0 ? 0 : ENOENT, remove(own));
    return error;
}

static contest *const makes[] = {
    create, make_directory, make_symlink, make_node, make_link, move_there, name_nameless,
};
static contest *const takes[] = { take_away, move_away };

static void announce(struct load_process *process)
{
    struct match *matches = process->shared;

    for (unsigned i = 0; i < MATCHES; i++) {
        struct match *match = &matches[i];
        match->make = load_random(process, sizeof(makes) / sizeof(makes[0]));
        match->take = load_random(process, sizeof(takes) / sizeof(takes[0]));
        // Always the same names, so that the kernel knows that they are not there.
        snprintf(match->name, sizeof(match->name), "name%u", i);
        atomic_store(&match->makers, 0);
        atomic_store(&match->takers, 0);
    }
}

static void check_made(struct load_process *process, const struct match *match)
{
    struct stat attr = { 0 };

    if (process->member == 0)
        load_same(process, "makers", match->name, atomic_load(&match->makers), 1);
    CALL(process, match->name, lstat(match->name, &attr));
    load_same(process, "links", match->name, attr.st_nlink > 1 && !S_ISDIR(attr.st_mode), 0);
}

static void check_taken(struct load_process *process, const struct match *match)
{
    struct stat attr;

    if (process->member == 0)
        load_same(process, "takers", match->name, atomic_load(&match->takers), 1);
    CALL_FAILS(process, match->name, ENOENT, lstat(match->name, &attr));
}

static void play(struct load_process *process)
{
    struct match *matches = process->shared;
    char own[16];

    snprintf(own, sizeof(own), "own%u", process->member);
    if (process->member == 0)
        announce(process);
    load_meet(process);
    for (int i = 0; i < MATCHES; i++)
        if (makes[matches[i].make](process, matches[i].name, own) == 0)
            atomic_fetch_add(&matches[i].makers, 1);
    load_meet(process);
    for (int i = 0; i < MATCHES; i++)
        check_made(process, &matches[i]);
    load_meet(process);
    for (int i = 0; i < MATCHES; i++)
        if (takes[matches[i].take](process, matches[i].name, own) == 0)
            atomic_fetch_add(&matches[i].takers, 1);
    load_meet(process);
    for (int i = 0; i < MATCHES; i++)
        check_taken(process, &matches[i]);
    load_meet(process);
}

const struct load_kind load_contest = {
    .name = "contest",
    .processes = PROCESSES,
    .shared_size = MATCHES * sizeof(struct match),
    .lockstep = true,
    .round = play,
};
