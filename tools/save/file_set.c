// SPDX-License-Identifier: BSD-2-Clause
#include "tools/save/file_set.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/api/hand_on.h"
#include "lib/api/shmap.h"
#include "lib/api/shmap_save.h"
#include "lib/sys/cleanup.h"
#include "tools/ui/array.h"
#include "tools/ui/output.h"

/* Each file that is to be committed stays open. */
static void raise_open_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Returns 1 if a file has commits, and 0 if it is passed over; -1: after a line. */
static int check_class(const char *path, bool named)
{
    enum shmap_class class;
    int error = shmap_class_get(path, &class);

    if (!error && (class == SHMAP_ATOMIC || class == SHMAP_CHECKPOINT))
        return 1;
    // A file that vanishes while its directory is read was no part of this.
    if (!named && (!error || error == -ENODATA || error == -ENOENT))
        return 0;
    if (!error)
        fail(path,
             "of the class %s, whose files are not committed; to copy it: shmapctl save FILE --to "
             "DEST",
             shmap_class_name(class));
    else if (error == -ENODATA)
        fail(path, "not on a shmapfs mount; to copy it: shmapctl save FILE --to DEST");
    else
        fail(path, "%s", strerror(-error));
    return -1;
}

/* Opens a file; its owner may only read it, or only write to it. Returns its descriptor; -1: it has
 * vanished; -2: after a line. */
static int open_member(const char *path, bool named)
{
    // A FIFO would keep it waiting for a writer.
    int flags = O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = open(path, O_RDONLY | flags);

    if (fd < 0 && errno == EACCES)
        fd = open(path, O_WRONLY | flags);
    if (fd >= 0 || (!named && errno == ENOENT))
        return fd;
    fail(path, "%s", strerror(errno));
    return -2;
}

/* Has the kernel hand on what it holds back, and finds out what is to be committed. Returns 1, 0:
 * nothing; or a negative errno. */
static int find_uncommitted(int fd, bool named, uint64_t *bytes)
{
    char path[32];
    int again, error;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    again = open(path, (fcntl(fd, F_GETFL) & O_ACCMODE) | O_NONBLOCK | O_CLOEXEC);
    error = again < 0 ? -errno : pages_hand_on(again);
    if (!error)
        error = shmap_uncommitted_get(path, bytes);
    if (error == -ENODATA)
        // It may be new, and its name not on the disk.
        return !named || fsync(fd) == 0 ? 0 : -errno;
    if (error)
        return error;
    return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 ? 1 : -errno;
}

static int fail_member(const char *path, int error)
{
    if (error == -EACCES)
        return fail(path, "only who may write to a file may have it committed");
    if (error == -EROFS)
        return fail(path, "the mount is read-only; remount it with rw first");
    return fail(path, "%s", strerror(-error));
}

static int keep(struct file_set *set, const char *path, int fd, uint64_t bytes)
{
    if (set->count == SHMAP_SAVE_MAX) {
        close(fd);
        return fail(path,
                    "this and %d files before it have something to commit, and one commit has no "
                    "more; name fewer, or take -a for all of the mount, in as many as it takes",
                    SHMAP_SAVE_MAX);
    }
    set->fds = array_grow(set->fds, set->count, sizeof(*set->fds));
    set->fds[set->count++] = fd;
    set->bytes += bytes;
    return EXIT_SUCCESS;
}

/* Adds a file that has something to commit. */
static int add_member(struct file_set *set, const char *path, bool named)
{
    CLEANUP_FD int fd = -1;
    uint64_t bytes = 0;
    struct stat st;
    int found = check_class(path, named);

    if (found <= 0)
        return found == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    fd = open_member(path, named);
    if (fd < 0)
        return fd == -1 ? EXIT_SUCCESS : EXIT_FAILURE;
    if (fstat(fd, &st) != 0)
        return fail(path, "%s", strerror(errno));
    if (!set->first) {
        set->first = strdup(path);
        if (!set->first)
            err(EXIT_FAILURE, NULL);
        set->device = st.st_dev;
    }
    if (st.st_dev != set->device)
        return fail(path, "not on the mount of %s; one commit is of one mount", set->first);
    found = find_uncommitted(fd, named, &bytes);
    if (found <= 0)
        return found == 0 ? EXIT_SUCCESS : fail_member(path, found);
    return keep(set, path, steal_fd(&fd), bytes);
}

static int check_directory(const char *path)
{
    enum shmap_class class;
    int error = shmap_class_get(path, &class);

    if (error == -ENODATA)
        return fail(path, "not a directory of a shmapfs mount; name one that is");
    return error ? fail(path, "%s", strerror(-error)) : EXIT_SUCCESS;
}

static int visit_member(struct file_set *set, const FTSENT *entry, const char *start)
{
    switch (entry->fts_info) {
    case FTS_F:
        return add_member(set, entry->fts_path, entry->fts_level == FTS_ROOTLEVEL);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        if (entry->fts_errno == ENOENT && entry->fts_level != FTS_ROOTLEVEL)
            return EXIT_SUCCESS;
        return fail(entry->fts_path, "%s", strerror(entry->fts_errno));
    case FTS_D:
        return entry->fts_level == FTS_ROOTLEVEL ? check_directory(start) : EXIT_SUCCESS;
    case FTS_DP:
        return EXIT_SUCCESS;
    default:
        if (entry->fts_level != FTS_ROOTLEVEL)
            return EXIT_SUCCESS;
        return fail(start, "only a regular file or a directory can be committed");
    }
}

/* Adds a file, or all those below a directory. */
static int add_named(struct file_set *set, char *path)
{
    char *roots[] = { path, NULL };
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR | FTS_XDEV, NULL);
    int status = EXIT_SUCCESS;
    FTSENT *entry;

    if (!walk)
        return fail(path, "%s", strerror(errno));
    errno = 0;
    while (status == EXIT_SUCCESS && (entry = fts_read(walk)))
        status = visit_member(set, entry, path);
    if (status == EXIT_SUCCESS && errno != 0)
        status = fail(path, "%s", strerror(errno));
    fts_close(walk);
    return status;
}

int file_set_find(char *const paths[], int count, struct file_set *set)
{
    int status = EXIT_SUCCESS;

    *set = (struct file_set){ .count = 0 };
    raise_open_files();
    for (int i = 0; i < count && status == EXIT_SUCCESS; i++)
        status = add_named(set, paths[i]);
    return status;
}

void file_set_close(struct file_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        close(set->fds[i]);
    free(set->fds);
    free(set->first);
    *set = (struct file_set){ .count = 0 };
}
