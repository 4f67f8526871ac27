// SPDX-License-Identifier: BSD-2-Clause
#include "tools/snapshot/landing.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/class/class_root.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"
#include "tools/ui/output.h"

/* So much of a name is in the temporary one. */
enum { NAME_SHOWN = 200 };

/* Splits a path into a directory and a name. Symlinks to a directory that is there are gone by. */
static int split_path(const char *path, struct landing *landing)
{
    char copy[PATH_MAX];
    struct stat st;

    if (lstat(path, &st) == 0) {
        if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
            return -ENOTDIR;
        if (realpath(path, landing->path) == NULL)
            return -errno;
    } else if (errno != ENOENT) {
        return -errno;
    } else if (strlcpy(landing->path, path, PATH_MAX) >= PATH_MAX) {
        return -ENAMETOOLONG;
    }
    for (size_t length = strlen(landing->path); length > 1 && landing->path[length - 1] == '/';)
        landing->path[--length] = '\0';
    landing->name = strrchr(landing->path, '/');
    landing->name = landing->name ? landing->name + 1 : landing->path;
    strlcpy(copy, landing->path, sizeof(copy));
    landing->parent = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return landing->parent < 0 ? -errno : *landing->name == '\0' ? -ENOTEMPTY : 0;
}

/* Returns whether a directory, or one above it, is another one. */
static bool is_below(int directory, const struct stat *other)
{
    CLEANUP_FD int at = fcntl(directory, F_DUPFD_CLOEXEC, 0);
    struct stat st;
    struct stat above;

    while (at >= 0 && fstat(at, &st) == 0) {
        int up;

        if (st.st_dev == other->st_dev && st.st_ino == other->st_ino)
            return true;
        up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (up < 0 || fstat(up, &above) != 0 ||
            (above.st_dev == st.st_dev && above.st_ino == st.st_ino)) {
            if (up >= 0)
                close(up);
            return false;
        }
        close(at);
        at = up;
    }
    return false;
}

static int check_place(const char *path, const char *mountpoint, const struct shmap_status *status,
                       const struct landing *landing)
{
    CLEANUP_FD int there = openat(landing->parent, landing->name, O_PATH | O_CLOEXEC);
    struct stat mount;
    struct stat store;
    struct stat at;

    if (stat(mountpoint, &mount) != 0 || fstat(landing->parent, &at) != 0)
        return fail(path, "%s", strerror(errno));
    if (at.st_dev == mount.st_dev)
        return fail(path, "is inside of the mount; choose a place outside of it");
    if (*status->store != '\0' && stat(status->store, &store) == 0 &&
        is_below(landing->parent, &store))
        return fail(path, "is inside of STORE %s; choose a place outside of it", status->store);
    if (there >= 0 && class_root_is_empty(there) == 0)
        return fail(path, "is there, and not empty; choose another path, or remove it first");
    return EXIT_SUCCESS;
}

/* Removes what is below a directory, and not what is mounted or linked there. */
static int remove_entries(int directory)
{
    char path[64];
    char *const paths[] = { path, NULL };
    const FTSENT *entry;
    int error = 0;
    FTS *tree;

    snprintf(path, sizeof(path), "/proc/self/fd/%d/.", directory);
    tree = fts_open(paths, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
    if (tree == NULL)
        return -errno;
    while ((entry = fts_read(tree)) != NULL) {
        // A directory of a snapshot that cannot be written to cannot be emptied either.
        if (entry->fts_info == FTS_D)
            chmod(entry->fts_accpath, 0700);
        else if (entry->fts_level > 0 &&
                 (entry->fts_info == FTS_DP ? rmdir(entry->fts_accpath)
                                            : unlink(entry->fts_accpath)) != 0)
            error = -errno;
    }
    fts_close(tree);
    return error;
}

int landing_empty(struct landing *landing)
{
    return remove_entries(landing->directory);
}

/* Opens and locks the directory with the temporary name. Returns 0 or a negative errno; -EPERM: it
 * is another user's, -EWOULDBLOCK: somebody is at it. */
static int open_locked(struct landing *landing)
{
    CLEANUP_FD int fd = openat(landing->parent, landing->temporary,
                               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0 && errno == EACCES && fchmodat(landing->parent, landing->temporary, 0700, 0) == 0)
        fd = openat(landing->parent, landing->temporary,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return -errno;
    if (st.st_uid != geteuid())
        return -EPERM;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return -errno;
    landing->directory = steal_fd(&fd);
    return 0;
}

/* Makes it, or takes the one that was left, and empties it. */
static int make_directory(struct landing *landing)
{
    bool left = mkdirat(landing->parent, landing->temporary, 0700) != 0;
    int error = left && errno != EEXIST ? -errno : open_locked(landing);

    if (!error && left && fchmod(landing->directory, 0700) != 0)
        error = -errno;
    return error || !left ? error : remove_entries(landing->directory);
}

static int fail_landing(const char *path, const struct landing *landing, int error)
{
    switch (-error) {
    case ENOTDIR:
        return fail(path, "is there, and no directory; choose another path, or remove it first");
    case ENOTEMPTY:
        return fail(path, "is there, and not empty; choose another path");
    case EWOULDBLOCK:
        return fail(path, "another snapshot is being written there; wait for its end");
    case EPERM:
        return fail(path, "%s beside it is another user's; choose another path",
                    landing->temporary);
    default:
        return fail(path, "no snapshot can be written there: %s", strerror(-error));
    }
}

int landing_make(const char *path, const char *mountpoint, const struct shmap_status *status,
                 struct landing *landing)
{
    int error;

    *landing = (struct landing){ .parent = -1, .directory = -1 };
    error = split_path(path, landing);
    if (error)
        return fail_landing(path, landing, error);
    if (check_place(path, mountpoint, status, landing) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    snprintf(landing->temporary, sizeof(landing->temporary), ".%.*s.unfinished-snapshot",
             NAME_SHOWN, landing->name);
    error = make_directory(landing);
    return error ? fail_landing(path, landing, error) : EXIT_SUCCESS;
}

int landing_publish(struct landing *landing)
{
    if (syncfs(landing->directory) != 0 ||
        renameat(landing->parent, landing->temporary, landing->parent, landing->name) != 0)
        return -errno;
    close(landing->directory);
    landing->directory = -1;
    return fsync(landing->parent) == 0 ? 0 : -errno;
}

void landing_end(struct landing *landing)
{
    if (landing->directory >= 0) {
        remove_entries(landing->directory);
        unlinkat(landing->parent, landing->temporary, AT_REMOVEDIR);
        close(landing->directory);
    }
    if (landing->parent >= 0)
        close(landing->parent);
}
