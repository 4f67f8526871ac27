// SPDX-License-Identifier: BSD-2-Clause
// Many names that come and go, so that the kernel looks up and forgets all the time.
#include "tests/mount/load/load_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMES = 24 };

static const char *name_of(const struct load_process *process, int number, char name[32])
{
    snprintf(name, 32, "c%u-%d", process->member, number);
    return name;
}

static void make(struct load_process *process, const char *name, int number)
{
    int fd;

    switch (number % 4) {
    case 0:
        CALL(process, name, mkdir(name, 0755));
        break;
    case 1:
        CALL(process, name, symlink("nowhere", name));
        break;
    case 2:
        CALL(process, name, mknod(name, S_IFIFO | 0644, 0));
        break;
    default:
        fd = (int)CALL(process, name, open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
        CALL(process, name, close(fd));
        break;
    }
}

static void take_name(struct load_process *process, const char *name, int number)
{
    struct stat attr;

    CALL_FAILS(process, name, EEXIST, mkdir(name, 0755));
    CALL(process, name, lstat(name, &attr));
    if (number % 4 == 0)
        CALL(process, name, rmdir(name));
    else
        CALL(process, name, unlink(name));
    CALL_FAILS(process, name, ENOENT, lstat(name, &attr));
}

static void come_and_go(struct load_process *process)
{
    struct stat attr;
    char name[32];

    for (int i = 0; i < NAMES; i++) {
        CALL_FAILS(process, "absent", ENOENT, lstat(name_of(process, i, name), &attr));
        make(process, name, i);
    }
    for (int i = 0; i < NAMES; i++)
        take_name(process, name_of(process, i, name), i);
}

/* A path of directories, down and up again. */
static void dig(struct load_process *process)
{
    char path[128];
    int length = snprintf(path, sizeof(path), "deep%u", process->member);
    int ends[8];

    for (int i = 0; i < 8; i++) {
        CALL(process, path, mkdir(path, 0755));
        ends[i] = length;
        length += snprintf(path + length, sizeof(path) - (size_t)length, "/%d", i);
    }
    CALL_FAILS(process, path, ENOENT, rmdir(path));
    for (int i = 7; i >= 0; i--) {
        path[ends[i]] = '\0';
        CALL(process, path, rmdir(path));
    }
}

static void churn(struct load_process *process)
{
    come_and_go(process);
    dig(process);
}

const struct load_kind load_churn = {
    .name = "churn",
    .processes = 2,
    .round = churn,
};
