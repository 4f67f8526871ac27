// SPDX-License-Identifier: BSD-2-Clause
#include "tools/convert/compare.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "lib/sys/extent.h"
#include "tools/convert/tree.h"
#include "tools/ui/array.h"

#define USER_ATTRIBUTE "user."

enum { BLOCK = 1 << 20, ATTRIBUTE_MAX = 1 << 16 };

/* A file with several names in the original, and its copy. */
struct link {
    uint64_t original, copy;
};

struct comparison {
    struct interruption *interruption;
    struct progress *progress;
    struct difference *difference;
    bool part; // the first tree may have less than the second
    struct link *links;
    size_t count;
    uint64_t done;
    char *blocks[2]; // of BLOCK bytes
};

static int differ(struct comparison *comparison, const char *what)
{
    comparison->difference->what = what;
    return 1;
}

static int compare_contents(struct comparison *comparison, int original, int copy, off_t size)
{
    off_t at = 0;

    for (;;) {
        off_t data = extent_next_data(original, at, size), other = extent_next_data(copy, at, size);
        ssize_t length, same;

        if (interruption_came(comparison->interruption))
            return -EINTR;
        at = data < other ? data : other;
        if (at >= size)
            return 0;
        length = pread(original, comparison->blocks[0], BLOCK, at);
        same = length > 0 ? pread(copy, comparison->blocks[1], (size_t)length, at) : -1;
        if (length <= 0 || same != length ||
            memcmp(comparison->blocks[0], comparison->blocks[1], (size_t)length) != 0)
            return differ(comparison, "contents");
        at += length;
        comparison->done += (uint64_t)length;
        progress_show(comparison->progress, "verifying", comparison->done);
    }
}

/* Opens a file to read it, without a trace where that is possible. */
static int open_to_read(int directory, const char *name)
{
    int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(directory, name, flags | O_NOATIME);

    return fd < 0 && errno == EPERM ? openat(directory, name, flags) : fd;
}

static int compare_files(struct comparison *comparison, const int directories[2], const char *name,
                         off_t size)
{
    CLEANUP_FD int original = open_to_read(directories[0], name);
    CLEANUP_FD int copy = open_to_read(directories[1], name);

    if (original < 0 || copy < 0)
        return differ(comparison, "permission to read");
    return compare_contents(comparison, original, copy, size);
}

static int compare_targets(struct comparison *comparison, const int directories[2],
                           const char *name)
{
    char targets[2][PATH_MAX];
    ssize_t lengths[2];

    for (int i = 0; i < 2; i++)
        lengths[i] = readlinkat(directories[i], name, targets[i], sizeof(targets[i]));
    return lengths[0] < 0 || lengths[0] != lengths[1] ||
                   memcmp(targets[0], targets[1], (size_t)lengths[0]) != 0
               ? differ(comparison, "target")
               : 0;
}

/* Returns whether both paths have an attribute with the same value. */
static bool has_same_value(struct comparison *comparison, char paths[2][PATH_MAX], const char *name)
{
    ssize_t lengths[2];

    for (int i = 0; i < 2; i++)
        lengths[i] = lgetxattr(paths[i], name, comparison->blocks[i], ATTRIBUTE_MAX);
    return lengths[0] >= 0 && lengths[0] == lengths[1] &&
           memcmp(comparison->blocks[0], comparison->blocks[1], (size_t)lengths[0]) == 0;
}

static int differ_in_attributes(struct comparison *comparison, const char *copy)
{
    bool lacks = lgetxattr(copy, USER_ATTRIBUTE "any", NULL, 0) < 0 && errno == EOPNOTSUPP;

    return differ(comparison, lacks ? USER_ATTRIBUTE "* attributes, which RAM has since Linux 6.6"
                                    : "extended attributes");
}

static int compare_attributes(struct comparison *comparison, const int directories[2],
                              const char *name)
{
    CLEANUP_FREE char *names = malloc(ATTRIBUTE_MAX);
    char paths[2][PATH_MAX];
    ssize_t lengths[2];

    if (!names)
        err(EXIT_FAILURE, NULL);
    for (int i = 1; i >= 0; i--) {
        snprintf(paths[i], sizeof(paths[i]), "/proc/self/fd/%d/%s", directories[i], name);
        lengths[i] = llistxattr(paths[i], names, ATTRIBUTE_MAX);
    }
    if (lengths[0] < 0 && errno == EOPNOTSUPP)
        return 0;
    if (lengths[0] < 0 || (lengths[0] != lengths[1] && !comparison->part))
        return differ_in_attributes(comparison, paths[1]);
    for (const char *at = names; at < names + lengths[0]; at += strlen(at) + 1) {
        // Others tell who may do what, which a copy that is not complete may not have.
        if (comparison->part && strncmp(at, USER_ATTRIBUTE, strlen(USER_ATTRIBUTE)) != 0)
            continue;
        if (!has_same_value(comparison, paths, at))
            return differ_in_attributes(comparison, paths[1]);
    }
    return 0;
}

/* Returns whether the copy of a file with several names is the same for each of them. */
static bool is_same_link(struct comparison *comparison, const struct stat stats[2])
{
    for (size_t i = 0; i < comparison->count; i++) {
        const struct link *link = &comparison->links[i];

        if (link->original == stats[0].st_ino || link->copy == stats[1].st_ino)
            return link->original == stats[0].st_ino && link->copy == stats[1].st_ino;
    }
    comparison->links =
        array_grow(comparison->links, comparison->count, sizeof(*comparison->links));
    comparison->links[comparison->count++] = (struct link){ stats[0].st_ino, stats[1].st_ino };
    return true;
}

/* The copy's filesystem may count in seconds. */
static bool is_same_time(const struct timespec *original, const struct timespec *copy)
{
    return original->tv_sec == copy->tv_sec &&
           (original->tv_nsec == copy->tv_nsec || copy->tv_nsec == 0);
}

/* A file that cp(1) was copying has neither its size nor all of its attributes. */
static int compare_parts(struct comparison *comparison, const struct stat stats[2])
{
    if ((stats[0].st_mode & S_IFMT) != (stats[1].st_mode & S_IFMT))
        return differ(comparison, "type");
    if (stats[0].st_rdev != stats[1].st_rdev)
        return differ(comparison, "device number");
    return S_ISREG(stats[0].st_mode) && stats[0].st_size > stats[1].st_size
               ? differ(comparison, "size")
               : 0;
}

static int compare_stats(struct comparison *comparison, const struct stat stats[2])
{
    const struct stat *a = &stats[0], *b = &stats[1];
    bool directory = S_ISDIR(a->st_mode);

    if (comparison->part)
        return compare_parts(comparison, stats);
    if (a->st_mode != b->st_mode)
        return differ(comparison, (a->st_mode & S_IFMT) != (b->st_mode & S_IFMT) ? "type" : "mode");
    if (a->st_uid != b->st_uid || a->st_gid != b->st_gid)
        return differ(comparison, "owner");
    if (a->st_rdev != b->st_rdev)
        return differ(comparison, "device number");
    if (!directory && a->st_size != b->st_size)
        return differ(comparison, "size");
    if (!is_same_time(&a->st_mtim, &b->st_mtim))
        return differ(comparison, "time of change");
    if (!directory && a->st_nlink != b->st_nlink)
        return differ(comparison, "number of links");
    return !directory && a->st_nlink > 1 && !is_same_link(comparison, stats)
               ? differ(comparison, "hard links")
               : 0;
}

static int compare_directories(struct comparison *comparison, const int directories[2]);

static int compare_below(struct comparison *comparison, const int directories[2], const char *name)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int below[2] = { openat(directories[0], name, flags), openat(directories[1], name, flags) };
    int result = below[0] < 0 || below[1] < 0 ? differ(comparison, "permission to read")
                                              : compare_directories(comparison, below);

    for (int i = 0; i < 2; i++) {
        if (below[i] >= 0)
            close(below[i]);
    }
    return result;
}

/* Compares what is at one name in both trees. */
static int compare_entry(struct comparison *comparison, const int directories[2], const char *name)
{
    struct stat stats[2];
    int result;

    if (interruption_came(comparison->interruption))
        return -EINTR;
    for (int i = 0; i < 2; i++) {
        if (fstatat(directories[i], name, &stats[i], AT_SYMLINK_NOFOLLOW) != 0)
            return differ(comparison, "existence");
    }
    result = compare_stats(comparison, stats);
    if (result == 0)
        result = compare_attributes(comparison, directories, name);
    if (result != 0)
        return result;
    switch (stats[0].st_mode & S_IFMT) {
    case S_IFDIR:
        return strcmp(name, ".") == 0 ? 0 : compare_below(comparison, directories, name);
    case S_IFREG:
        return compare_files(comparison, directories, name, stats[0].st_size);
    case S_IFLNK:
        return compare_targets(comparison, directories, name);
    default:
        return 0;
    }
}

static size_t count_entries(int directory)
{
    DIR *entries = tree_open_entries(directory);
    size_t count = 0;

    while (entries && tree_next_entry(entries))
        count++;
    if (entries)
        closedir(entries);
    return count;
}

static int compare_directories(struct comparison *comparison, const int directories[2])
{
    char *path = comparison->difference->path;
    size_t length = strlen(path), count = 0;
    DIR *entries = tree_open_entries(directories[0]);
    const char *name;
    int result = 0;

    if (!entries)
        return differ(comparison, "permission to read");
    while (result == 0 && (name = tree_next_entry(entries))) {
        count++;
        snprintf(path + length, PATH_MAX - length, "%s%s", length ? "/" : "", name);
        result = compare_entry(comparison, directories, name);
        if (result == 0)
            path[length] = '\0';
    }
    closedir(entries);
    if (result == 0 && !comparison->part && count != count_entries(directories[1]))
        result = differ(comparison, "number of entries");
    return result;
}

static int compare_all(struct comparison *comparison, const int directories[2])
{
    int result;

    for (int i = 0; i < 2; i++) {
        comparison->blocks[i] = malloc(BLOCK);
        if (!comparison->blocks[i])
            err(EXIT_FAILURE, NULL);
    }
    *comparison->difference = (struct difference){ .what = "" };
    result = compare_entry(comparison, directories, ".");
    if (result == 0)
        result = compare_directories(comparison, directories);
    progress_end(comparison->progress);
    free(comparison->links);
    free(comparison->blocks[0]);
    free(comparison->blocks[1]);
    return result;
}

int compare_trees(int original, int copy, struct interruption *interruption,
                  struct progress *progress, struct difference *difference)
{
    struct comparison comparison = { .interruption = interruption,
                                     .progress = progress,
                                     .difference = difference };

    return compare_all(&comparison, (const int[]){ original, copy });
}

int compare_part(int part, int whole, struct interruption *interruption, struct progress *progress,
                 struct difference *difference)
{
    struct comparison comparison = {
        .interruption = interruption, .progress = progress, .difference = difference, .part = true
    };

    return compare_all(&comparison, (const int[]){ part, whole });
}
