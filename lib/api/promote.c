// SPDX-License-Identifier: BSD-2-Clause
/* A file of a scratch directory gets a name that lasts, while it is in use. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/api/shmap.h"
#include "lib/sys/cleanup.h"

/* Opens the directory of a path, whose last name is returned. */
static int open_parent(const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    char parent[PATH_MAX] = ".";
    int fd;

    *name = slash ? slash + 1 : path;
    if (length >= sizeof(parent))
        return -ENAMETOOLONG;
    if (slash)
        snprintf(parent, sizeof(parent), "%.*s", length ? (int)length : 1, path);
    fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Returns whether what is in a directory lasts. */
static bool is_lasting(int directory)
{
    enum shmap_class class;
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", directory);
    return shmap_class_get(path, &class) == 0 && class == SHMAP_PERSIST;
}

/* Opens a file to sync it; its owner may only read it, or only write to it. */
static int open_file_to_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == EACCES)
        fd = open(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    return fd;
}

/* Has what is in a file written as far as it can be while its name does not last, so that the
 * rename need not wait for it, nor who works in the same directories. fsync(2) would not; where
 * data passes through the kernel, msync(2) does. */
static void write_before(int fd)
{
    struct stat st;
    void *bytes;

    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
        return;
    bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        return;
    msync(bytes, (size_t)st.st_size, MS_SYNC);
    munmap(bytes, (size_t)st.st_size);
}

int shmap_promote(const char *path, const char *destination)
{
    const char *name;
    CLEANUP_FD int directory = open_parent(destination, &name);
    CLEANUP_FD int file = -1;
    enum shmap_class class = SHMAP_PERSIST;
    struct stat st;
    int error = lstat(path, &st) == 0 ? shmap_class_get(path, &class) : -errno;

    if (error)
        return error;
    if (!S_ISREG(st.st_mode) || class != SHMAP_SCRATCH)
        return -EINVAL;
    if (directory < 0)
        return directory;
    if (!is_lasting(directory))
        return -EXDEV;
    file = open_file_to_sync(path);
    write_before(file);
    if (renameat2(AT_FDCWD, path, directory, name, RENAME_NOREPLACE) != 0)
        return -errno;
    // The mount has brought a file that cannot be opened to the disk by itself.
    if (file >= 0 && fsync(file) != 0)
        return -errno;
    return fsync(directory) == 0 ? 0 : -errno;
}
