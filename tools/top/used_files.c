// SPDX-License-Identifier: BSD-2-Clause
#include "tools/top/used_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/api/shmap_save.h"
#include "tools/scan/tally.h"
#include "tools/scan/users.h"
#include "tools/ui/array.h"

enum { ASKED_MAX = 100 };

/* Returns the path by which a user knows a file; NULL: none. */
static const char *path_of(const struct user *user, uint64_t inode)
{
    for (size_t i = 0; i < user->count; i++) {
        if (user->uses[i].inode == inode)
            return user->uses[i].path;
    }
    return NULL;
}

/* Returns whether a path, which may be another process' own, leads to that file of the mount here.
 * Nothing outside the mount is looked at. */
static bool leads_to(const char *path, const char *mountpoint, dev_t device, uint64_t inode)
{
    size_t length = strlen(mountpoint);
    struct stat found;

    return strncmp(path, mountpoint, length) == 0 && path[length] == '/' &&
           lstat(path, &found) == 0 && found.st_dev == device && found.st_ino == inode &&
           S_ISREG(found.st_mode);
}

static void add_file(struct used_files *files, const char *path, const struct tally_entry *entry,
                     size_t users)
{
    struct used_file file = { .inode = entry->inode, .pid = entry->user->pid, .users = users };

    if (shmap_pages_get_unchecked(path, &file.pages) != 0)
        return;
    shmap_uncommitted_get_unchecked(path, &file.uncommitted);
    file.path = strdup(path);
    file.command = strdup(entry->user->command);
    files->all = array_grow(files->all, files->count, sizeof(*files->all));
    files->all[files->count++] = file;
}

static int compare_files(const void *first, const void *second)
{
    const struct used_file *a = first, *b = second;

    if (a->pages.resident != b->pages.resident)
        return a->pages.resident > b->pages.resident ? -1 : 1;
    return (a->inode > b->inode) - (a->inode < b->inode);
}

/* Returns the first user that has a file open or mapped, of those who begin at `index`; NULL: they
 * are merely there. `users` receives their number. */
static const struct tally_entry *first_that_keeps(const struct tally *tally, size_t index,
                                                  size_t *users)
{
    const struct tally_entry *first = NULL, *all = &tally->all[index];

    for (*users = 0; index + *users < tally->count && all[*users].inode == all->inode; ++*users) {
        if (!first && all[*users].keeps)
            first = &all[*users];
    }
    return first;
}

/* Adds the files of a tally, in which the users of each follow each other. */
static void add_files(struct used_files *files, const struct tally *tally, const char *mountpoint,
                      dev_t device)
{
    size_t users;

    for (size_t i = 0; i < tally->count && files->count < ASKED_MAX; i += users) {
        const struct tally_entry *entry = first_that_keeps(tally, i, &users);
        const char *path = entry ? path_of(entry->user, entry->inode) : NULL;

        if (path && leads_to(path, mountpoint, device, entry->inode))
            add_file(files, path, entry, users);
    }
}

void used_files_find(const char *mountpoint, struct used_files *files)
{
    struct users users = { 0 };
    struct tally tally;
    struct stat root;

    *files = (struct used_files){ 0 };
    if (stat(mountpoint, &root) != 0 || users_find(root.st_dev, USERS_OF_ALL, &users) != 0)
        return;
    tally = tally_users(&users);
    add_files(files, &tally, mountpoint, root.st_dev);
    if (files->count > 0)
        qsort(files->all, files->count, sizeof(*files->all), compare_files);
    tally_free(&tally);
    users_free(&users);
}

void used_files_free(struct used_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->all[i].path);
        free(files->all[i].command);
    }
    free(files->all);
}
