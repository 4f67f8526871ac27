// SPDX-License-Identifier: BSD-2-Clause
/*
 * Directories that are moved into each other. One process at a time moves, so that it is certain
 * what each rename must give; the others work all the while in the directories that are being
 * moved, by descriptor.
 */
#include "tests/mount/load/load_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROCESSES = 3, DIRECTORIES = 6, TOP = -1 };

struct nest {
    pthread_mutex_t lock;
    struct {
        int parent;    // another directory, or TOP
        unsigned name; // its present name is this number
        ino_t ino;
    } directories[DIRECTORIES];
};

struct held {
    int fds[DIRECTORIES];
};

static void path_of(const struct nest *nest, int directory, char path[64])
{
    path[0] = '\0';
    if (nest->directories[directory].parent != TOP) {
        path_of(nest, nest->directories[directory].parent, path);
        strcat(path, "/");
    }
    sprintf(path + strlen(path), "n%u", nest->directories[directory].name);
}

static bool is_within(const struct nest *nest, int directory, int ancestor)
{
    while (directory != TOP && directory != ancestor)
        directory = nest->directories[directory].parent;
    return directory == ancestor;
}

static void make_directories(struct load_process *process)
{
    struct nest *nest = process->shared;
    pthread_mutexattr_t attributes;
    struct stat attr = { 0 };
    char path[64];

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&nest->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    for (int i = 0; i < DIRECTORIES; i++) {
        nest->directories[i].parent = TOP;
        nest->directories[i].name = (unsigned)i;
        path_of(nest, i, path);
        CALL(process, path, mkdir(path, 0755));
        CALL(process, path, stat(path, &attr));
        nest->directories[i].ino = attr.st_ino;
    }
}

static void open_directories(struct load_process *process)
{
    struct nest *nest = process->shared;
    struct held *held = malloc(sizeof(*held));
    char path[64];

    if (held == NULL)
        _exit(EXIT_FAILURE);
    for (int i = 0; i < DIRECTORIES; i++) {
        path_of(nest, i, path);
        held->fds[i] = (int)CALL(process, path, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    process->own = held;
}

static void check_directory(struct load_process *process, int directory)
{
    const struct nest *nest = process->shared;
    const struct held *held = process->own;
    int parent = nest->directories[directory].parent;
    struct stat attr = { 0 };
    char path[64];

    path_of(nest, directory, path);
    CALL(process, path, lstat(path, &attr));
    load_same(process, "inode", path, (int64_t)attr.st_ino,
              (int64_t)nest->directories[directory].ino);
    if (parent == TOP)
        return;
    CALL(process, path, fstatat(held->fds[directory], "..", &attr, 0));
    load_same(process, "inode of the parent", path, (int64_t)attr.st_ino,
              (int64_t)nest->directories[parent].ino);
}

static void move_into(struct load_process *process, int directory, int into)
{
    struct nest *nest = process->shared;
    int error = is_within(nest, into, directory) ? EINVAL : 0;
    char from[64], to[128], name[16];

    path_of(nest, directory, from);
    path_of(nest, into, to);
    snprintf(name, sizeof(name), "/n%u", nest->directories[directory].name);
    strcat(to, name);
    if (CALL_FAILS(process, to, error, rename(from, to)) && error == 0)
        nest->directories[directory].parent = into;
}

static void move_to_top(struct load_process *process, int directory)
{
    struct nest *nest = process->shared;
    char from[64], to[16];

    path_of(nest, directory, from);
    snprintf(to, sizeof(to), "n%u", nest->directories[directory].name);
    if (CALL(process, to, rename(from, to)) == 0)
        nest->directories[directory].parent = TOP;
}

static void exchange_directories(struct load_process *process, int one, int other)
{
    struct nest *nest = process->shared;
    int error = is_within(nest, one, other) || is_within(nest, other, one) ? EINVAL : 0;
    char from[64], to[64];

    path_of(nest, one, from);
    path_of(nest, other, to);
    if (!CALL_FAILS(process, to, error, renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE)) ||
        error != 0)
        return;
    int parent = nest->directories[one].parent;
    unsigned name = nest->directories[one].name;
    nest->directories[one].parent = nest->directories[other].parent;
    nest->directories[one].name = nest->directories[other].name;
    nest->directories[other].parent = parent;
    nest->directories[other].name = name;
}

static void move_one(struct load_process *process)
{
    struct nest *nest = process->shared;
    int one = (int)load_random(process, DIRECTORIES);
    int other = (one + 1 + (int)load_random(process, DIRECTORIES - 1)) % DIRECTORIES;

    pthread_mutex_lock(&nest->lock);
    switch (load_random(process, 4)) {
    case 0:
        move_to_top(process, one);
        break;
    case 1:
        exchange_directories(process, one, other);
        break;
    default:
        move_into(process, one, other);
        break;
    }
    check_directory(process, one);
    check_directory(process, other);
    pthread_mutex_unlock(&nest->lock);
}

/* In a directory that may be moved at this moment. */
static void work_inside(struct load_process *process)
{
    const struct held *held = process->own;
    int directory = held->fds[load_random(process, DIRECTORIES)];
    struct stat attr = { 0 };
    char name[16];

    snprintf(name, sizeof(name), "file%u", process->member);
    CALL(process, name, mknodat(directory, name, S_IFREG | 0644, 0));
    CALL_FAILS(process, name, EEXIST, mknodat(directory, name, S_IFREG | 0644, 0));
    CALL(process, name, fstatat(directory, name, &attr, 0));
    CALL(process, name, unlinkat(directory, name, 0));
    CALL_FAILS(process, name, ENOENT, fstatat(directory, name, &attr, 0));
}

static void move_or_work(struct load_process *process)
{
    if (load_random(process, 2) == 0)
        move_one(process);
    else
        work_inside(process);
}

static void check_all(struct load_process *process)
{
    for (int i = 0; i < DIRECTORIES; i++)
        check_directory(process, i);
}

const struct load_kind load_nest = {
    .name = "nest",
    .processes = PROCESSES,
    .shared_size = sizeof(struct nest),
    .prepare = make_directories,
    .begin = open_directories,
    .round = move_or_work,
    .rest = check_all,
};
