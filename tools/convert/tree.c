// SPDX-License-Identifier: BSD-2-Clause
#include "tools/convert/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "tools/ui/array.h"

#define BLOCK 512 // bytes, of st_blocks

static void note_entry(struct tree *tree, const struct stat *stat)
{
    tree->entries = array_grow(tree->entries, tree->count, sizeof(*tree->entries));
    tree->entries[tree->count++] =
        (struct tree_entry){ .inode = stat->st_ino,
                             .links = S_ISDIR(stat->st_mode) ? 1 : (uint64_t)stat->st_nlink };
    tree->bytes += (uint64_t)stat->st_blocks * BLOCK;
}

DIR *tree_open_entries(int directory)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);

    if (!entries && fd >= 0)
        close(fd);
    return entries;
}

const char *tree_next_entry(DIR *entries)
{
    const struct dirent *entry;

    do
        entry = readdir(entries);
    while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    return entry ? entry->d_name : NULL;
}

static int read_below(int directory, struct tree *tree);

static int read_entry(int directory, const char *name, struct tree *tree)
{
    struct stat stat;
    int fd, error;

    if (fstatat(directory, name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : -errno;
    if (stat.st_dev != tree->device)
        return -EXDEV;
    if (!S_ISDIR(stat.st_mode)) {
        note_entry(tree, &stat);
        return 0;
    }
    fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    error = read_below(fd, tree);
    close(fd);
    return error;
}

static int read_below(int directory, struct tree *tree)
{
    DIR *entries = tree_open_entries(directory);
    struct stat stat;
    const char *name;
    int error = 0;

    if (!entries)
        return -errno;
    if (fstat(directory, &stat) == 0)
        note_entry(tree, &stat);
    while (!error && (name = tree_next_entry(entries)))
        error = read_entry(directory, name, tree);
    closedir(entries);
    return error;
}

int tree_read(int directory, struct tree *tree)
{
    struct stat stat;
    int error;

    *tree = (struct tree){ 0 };
    if (fstat(directory, &stat) != 0)
        return -errno;
    tree->device = stat.st_dev;
    error = read_below(directory, tree);
    if (tree->count > 0)
        qsort(tree->entries, tree->count, sizeof(*tree->entries), array_compare);
    return error;
}

void tree_free(struct tree *tree)
{
    free(tree->entries);
    *tree = (struct tree){ 0 };
}

bool tree_has(const struct tree *tree, uint64_t inode)
{
    struct tree_entry wanted = { .inode = inode };

    return tree->count > 0 &&
           bsearch(&wanted, tree->entries, tree->count, sizeof(wanted), array_compare) != NULL;
}

bool tree_is_linked_elsewhere(const struct tree *tree)
{
    size_t names = 0;

    for (size_t i = 0; i < tree->count; i++) {
        bool last = i + 1 == tree->count || tree->entries[i + 1].inode != tree->entries[i].inode;

        names++;
        if (last && names < tree->entries[i].links)
            return true;
        if (last)
            names = 0;
    }
    return false;
}

static int sync_entry(int directory, const char *name, struct interruption *interruption)
{
    CLEANUP_FD int fd = -1;
    struct stat stat;

    if (fstatat(directory, name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
        return -errno;
    // The others have nothing but a name and attributes, which come with their directory.
    if (!S_ISREG(stat.st_mode) && !S_ISDIR(stat.st_mode))
        return 0;
    fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (S_ISDIR(stat.st_mode))
        return tree_sync(fd, interruption);
    return fsync(fd) == 0 ? 0 : -errno;
}

int tree_sync(int directory, struct interruption *interruption)
{
    DIR *entries = tree_open_entries(directory);
    const char *name;
    int error = 0;

    if (!entries)
        return -errno;
    while (!error && (name = tree_next_entry(entries)))
        error =
            interruption_came(interruption) ? -EINTR : sync_entry(directory, name, interruption);
    if (!error && fsync(directory) != 0)
        error = -errno;
    closedir(entries);
    return error;
}

bool tree_is_empty(int directory)
{
    DIR *entries = tree_open_entries(directory);
    bool empty = !entries || !tree_next_entry(entries);

    if (entries)
        closedir(entries);
    return empty;
}
