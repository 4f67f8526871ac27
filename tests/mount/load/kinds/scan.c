// SPDX-License-Identifier: BSD-2-Clause
/*
 * Listings. One process goes through all that the load has made, again and again; what it meets may
 * be gone the next moment. Another lists one directory in which names come and go all the time (the
 * third process does that), and must see each of the names that stay exactly once.
 */
#include "tests/mount/load/load_kinds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STAYING = 200, PASSING = 40, DEEPEST = 12 };

struct staying {
    ino_t inos[STAYING];
};

static void make_names(struct load_process *process)
{
    struct staying *staying = process->shared;
    struct stat attr = { 0 };
    char name[32];

    CALL(process, "names", mkdir("names", 0755));
    for (int i = 0; i < STAYING; i++) {
        snprintf(name, sizeof(name), "names/stays%d", i);
        CALL(process, name, mknod(name, S_IFREG | 0644, 0));
        CALL(process, name, lstat(name, &attr));
        staying->inos[i] = attr.st_ino;
    }
}

static void walk(struct load_process *process, int parent, const char *name, int depth)
{
    struct dirent *entry;
    struct stat attr;
    int fd = -1;

    if (CALL_MAY_FAIL(process, name, ENOENT, ENOTDIR,
                      fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) !=
        0)
        return;
    DIR *stream = fdopendir(fd);
    if (stream == NULL)
        _exit(EXIT_FAILURE);
    while (errno = 0, (entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (CALL_MAY_FAIL(process, entry->d_name, ENOENT, ENOENT,
                          fstatat(fd, entry->d_name, &attr, AT_SYMLINK_NOFOLLOW)) == 0 &&
            S_ISDIR(attr.st_mode) && depth < DEEPEST)
            walk(process, fd, entry->d_name, depth + 1);
    }
    int error = errno;
    // A directory that was removed meanwhile has no entries.
    CALL_MAY_FAIL(process, name, ENOENT, ENOENT, (errno = error) == 0 ? 0 : -1);
    CALL(process, name, closedir(stream));
}

static void check_name(struct load_process *process, int fd, const struct dirent *entry,
                       int seen[STAYING])
{
    const struct staying *staying = process->shared;
    int number = strncmp(entry->d_name, "stays", 5) == 0 ? atoi(entry->d_name + 5) : -1;
    struct stat attr = { 0 };

    if (number < 0 || number >= STAYING)
        return;
    seen[number]++;
    CALL(process, entry->d_name, fstatat(fd, entry->d_name, &attr, AT_SYMLINK_NOFOLLOW));
    load_same(process, "inode", entry->d_name, (int64_t)attr.st_ino,
              (int64_t)staying->inos[number]);
    load_same(process, "inode listed", entry->d_name, (int64_t)entry->d_ino,
              (int64_t)staying->inos[number]);
}

static void list_names(struct load_process *process)
{
    int seen[STAYING] = { 0 };
    struct dirent *entry;
    char name[32];

    DIR *stream = NULL;
    if (CALL(process, "names", (stream = opendir("names")) == NULL ? -1 : 0) == -1)
        return;
    while (errno = 0, (entry = readdir(stream)) != NULL)
        check_name(process, dirfd(stream), entry, seen);
    int error = errno;
    CALL(process, "names", (errno = error) == 0 ? 0 : -1);
    CALL(process, "names", closedir(stream));
    for (int i = 0; i < STAYING; i++) {
        snprintf(name, sizeof(name), "stays%d", i);
        load_same(process, "times in its directory", name, seen[i], 1);
    }
}

static void change_names(struct load_process *process)
{
    char name[32], other[32];

    for (int i = 0; i < PASSING; i++) {
        snprintf(name, sizeof(name), "names/passes%d", i);
        CALL(process, name, mknod(name, S_IFREG | 0644, 0));
    }
    for (int i = 0; i < PASSING; i++) {
        snprintf(name, sizeof(name), "names/passes%d", i);
        snprintf(other, sizeof(other), "names/passed%d", i);
        CALL(process, other, rename(name, other));
        CALL(process, other, unlink(other));
    }
}

static void scan(struct load_process *process)
{
    if (process->member == 0)
        walk(process, AT_FDCWD, "..", 0);
    else if (process->member == 1)
        list_names(process);
    else
        change_names(process);
}

static void look_at_names(struct load_process *process)
{
    if (process->member == 0)
        list_names(process);
}

const struct load_kind load_scan = {
    .name = "scan",
    .processes = 3,
    .shared_size = sizeof(struct staying),
    .prepare = make_names,
    .round = scan,
    .rest = look_at_names,
};
