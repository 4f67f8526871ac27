// SPDX-License-Identifier: BSD-2-Clause
#include "names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parallel.h"

enum { PROCESSES = 2 };

void name_write(char name[NAME_SIZE], char kind, unsigned number)
{
    name[0] = kind;
    for (int i = NAME_LENGTH - 1; i > 0; i--) {
        name[i] = (char)('0' + number % 10);
        number /= 10;
    }
    name[NAME_LENGTH] = '\0';
}

static int open_and_close(int dir_fd, const char *name, int flags)
{
    int fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC | flags, 0600);

    return fd < 0 || close(fd) < 0 ? -errno : 0;
}

int name_open(int dir_fd, const char *name)
{
    return open_and_close(dir_fd, name, 0);
}

int name_create(int dir_fd, const char *name)
{
    return open_and_close(dir_fd, name, O_CREAT | O_EXCL);
}

int name_make(int dir_fd, const char *name)
{
    if (mknodat(dir_fd, name, S_IFREG | 0600, 0) == 0)
        return 0;
    return errno == ENOSYS ? name_create(dir_fd, name) : -errno;
}

int name_stat(int dir_fd, const char *name)
{
    struct stat st;

    return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int name_unlink(int dir_fd, const char *name)
{
    return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}

int name_clear(int dir_fd, const char *name)
{
    int error = name_unlink(dir_fd, name);

    return error == -ENOENT ? 0 : error;
}

int name_mkdir(int dir_fd, const char *name)
{
    return mkdirat(dir_fd, name, 0700) < 0 ? -errno : 0;
}

int name_rmdir(int dir_fd, const char *name)
{
    return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

// Between two kinds of the same number.
static int rename_kind(int dir_fd, const char *path, char from, char to)
{
    char before[NAME_PATH_SIZE], after[NAME_PATH_SIZE];
    const size_t length = strlen(path);

    if (length >= NAME_PATH_SIZE || length < NAME_LENGTH)
        return -EINVAL;
    memcpy(before, path, length + 1);
    memcpy(after, path, length + 1);
    before[length - NAME_LENGTH] = from;
    after[length - NAME_LENGTH] = to;
    return renameat(dir_fd, before, dir_fd, after) < 0 ? -errno : 0;
}

int name_rename(int dir_fd, const char *path)
{
    return rename_kind(dir_fd, path, KIND_FILE, KIND_OTHER);
}

int name_rename_back(int dir_fd, const char *path)
{
    return rename_kind(dir_fd, path, KIND_OTHER, KIND_FILE);
}

// Names of which each process has its part.
struct share {
    const struct names *names;
    unsigned processes;
    name_call call;
};

static int call_part(void *argument, unsigned index)
{
    const struct share *share = argument;
    char name[NAME_SIZE];
    int error = 0;

    for (unsigned i = index; i < share->names->count && error == 0; i += share->processes) {
        name_write(name, share->names->kind, share->names->first + i);
        error = share->call(share->names->dir_fd, name);
    }
    return error;
}

int names_call(const struct names *names, name_call call)
{
    return call_part(&(struct share){ names, 1, call }, 0);
}

int names_call_together(const struct names *names, name_call call)
{
    double seconds;

    return parallel_run(PROCESSES, call_part, &(struct share){ names, PROCESSES, call }, &seconds);
}

void names_directory(const struct subject *subject, const char *group, char path[PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s/%s-%s-%x-%u", subject->path, group,
                          subject->side->name, subject->run, subject->round);

    // When it cannot be made, whoever uses the path is told.
    mkdir(path, 0755);
    if (length < PATH_MAX)
        snprintf(path + length, PATH_MAX - (size_t)length, "/files");
}

int names_open_directory(int dir_fd, const char *path)
{
    if (mkdirat(dir_fd, path, 0700) < 0 && errno != EEXIST)
        return -errno;
    int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}
