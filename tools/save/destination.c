// SPDX-License-Identifier: BSD-2-Clause
#include "tools/save/destination.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Opens the directory of a path, which gets the name of a file if it is a directory itself. */
static int open_directory(const char *path, const char *file, struct destination *destination)
{
    char copy[PATH_MAX];
    struct stat st;
    bool inside = stat(path, &st) == 0 && S_ISDIR(st.st_mode);

    if (strlcpy(copy, file, sizeof(copy)) >= sizeof(copy) ||
        snprintf(destination->path, PATH_MAX, "%s%s%s", path, inside ? "/" : "",
                 inside ? basename(copy) : "") >= PATH_MAX)
        return -ENAMETOOLONG;
    strlcpy(copy, destination->path, sizeof(copy));
    destination->name = strrchr(destination->path, '/');
    destination->name = destination->name ? destination->name + 1 : destination->path;
    if (*destination->name == '\0')
        return -EISDIR;
    destination->directory = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return destination->directory < 0 ? -errno : 0;
}

static int check_place(const struct destination *destination, const struct stat *original)
{
    struct stat st;

    if (fstatat(destination->directory, destination->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : -errno;
    if (st.st_dev == original->st_dev && st.st_ino == original->st_ino)
        return -EXDEV;
    return S_ISREG(st.st_mode) ? 0 : -ENOTUNIQ;
}

static void choose_temporary(struct destination *destination)
{
    snprintf(destination->temporary, sizeof(destination->temporary), ".shmapctl-save-%08x%08x",
             arc4random(), arc4random());
}

/* A file without a name leaves nothing behind, however its process ends. Not every filesystem has
 * them. */
static int make_file(struct destination *destination)
{
    int fd = openat(destination->directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        choose_temporary(destination);
        fd = openat(destination->directory, destination->temporary,
                    O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0)
            *destination->temporary = '\0';
    }
    if (fd < 0)
        return -errno;
    destination->fd = fd;
    return 0;
}

int destination_make(const char *path, const char *file, const struct stat *original,
                     struct destination *destination)
{
    int error;

    *destination = (struct destination){ .directory = -1, .fd = -1 };
    error = open_directory(path, file, destination);
    if (!error)
        error = check_place(destination, original);
    if (!error)
        error = make_file(destination);
    if (!error && fchmod(destination->fd, original->st_mode & 0777) != 0)
        error = -errno;
    return error;
}

/* Gives a name to a file that has none. */
static int link_file(const struct destination *destination, const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", destination->fd);
    return linkat(AT_FDCWD, path, destination->directory, name, AT_SYMLINK_FOLLOW) == 0 ? 0
                                                                                        : -errno;
}

static int replace(struct destination *destination)
{
    if (renameat(destination->directory, destination->temporary, destination->directory,
                 destination->name) != 0)
        return -errno;
    *destination->temporary = '\0';
    return 0;
}

int destination_publish(struct destination *destination)
{
    int error = fsync(destination->fd) == 0 ? 0 : -errno;

    if (!error && *destination->temporary == '\0') {
        error = link_file(destination, destination->name);
        // Only a file with a name can take another one's place.
        if (error == -EEXIST) {
            choose_temporary(destination);
            error = link_file(destination, destination->temporary);
            if (error)
                *destination->temporary = '\0';
        }
    }
    if (!error && *destination->temporary != '\0')
        error = replace(destination);
    if (!error && fsync(destination->directory) != 0)
        error = -errno;
    return error;
}

void destination_end(struct destination *destination)
{
    if (*destination->temporary != '\0')
        unlinkat(destination->directory, destination->temporary, 0);
    if (destination->fd >= 0)
        close(destination->fd);
    if (destination->directory >= 0)
        close(destination->directory);
}
