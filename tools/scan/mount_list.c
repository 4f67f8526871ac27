// SPDX-License-Identifier: BSD-2-Clause
#include "tools/scan/mount_list.h"

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "lib/sys/mounts.h"
#include "tools/ui/array.h"

/* A pass: its filesystem, and the mount tables that it has read. */
struct pass {
    dev_t device;
    struct mount_list *list;
    uint64_t *seen; // the ids of the first mounts of tables: no two namespaces share one
    size_t count;
};

static char *copy(const char *text)
{
    char *kept = strdup(text);

    if (!kept)
        err(EXIT_FAILURE, NULL);
    return kept;
}

static void add_mount(struct mount_list *list, const struct mounts *at, pid_t pid)
{
    struct listed_mount mount = { .pid = pid,
                                  .id = at->id,
                                  .parent = at->parent,
                                  .device = at->device,
                                  .directory = copy(at->directory),
                                  .root = copy(at->root),
                                  .type = copy(at->type),
                                  .source = copy(at->source),
                                  .flags = copy(at->flags) };

    if (pid == 0)
        mount.path = copy(at->directory);
    else if (asprintf(&mount.path, "/proc/%d/root%s", pid, at->directory) < 0)
        err(EXIT_FAILURE, NULL);
    list->all = array_grow(list->all, list->count, sizeof(*list->all));
    list->all[list->count++] = mount;
}

static const struct listed_mount *find_mount_by_id(const struct mount_list *list, uint64_t id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->all[i].id == id)
            return &list->all[i];
    }
    return NULL;
}

static bool is_wanted(const struct pass *pass, const struct mounts *at)
{
    const struct listed_mount *below;

    if (pass->device == 0)
        return strcmp(at->type, MOUNTS_TYPE) == 0;
    if (at->device == pass->device)
        return true;
    below = find_mount_by_id(pass->list, at->parent); // which comes before what is on it
    return below && below->device == pass->device;
}

/* Returns whether a table was not read before, which the id of its first mount tells. */
static bool is_new(struct pass *pass, uint64_t first)
{
    for (size_t i = 0; i < pass->count; i++) {
        if (pass->seen[i] == first)
            return false;
    }
    pass->seen = array_grow(pass->seen, pass->count, sizeof(*pass->seen));
    pass->seen[pass->count++] = first;
    return true;
}

static void read_table(struct pass *pass, struct mounts *table, pid_t pid)
{
    if (!mounts_next(table) || !is_new(pass, table->id))
        return;
    do {
        if (is_wanted(pass, table))
            add_mount(pass->list, table, pid);
    } while (mounts_next(table));
}

static void read_own_table(struct pass *pass)
{
    CLEANUP_MOUNTS struct mounts table = mounts_begin();

    read_table(pass, &table, 0);
}

static void read_table_of(struct pass *pass, int proc, const char *number)
{
    CLEANUP_FD int process = openat(proc, number, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP_MOUNTS struct mounts table = mounts_begin_of(process);

    read_table(pass, &table, (pid_t)strtol(number, NULL, 10));
}

static void read_other_tables(struct pass *pass)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;

    while (proc && (entry = readdir(proc))) {
        if (isdigit((unsigned char)entry->d_name[0]))
            read_table_of(pass, dirfd(proc), entry->d_name);
    }
    if (proc)
        closedir(proc);
}

void mount_list_find(dev_t device, struct mount_list *list)
{
    struct pass pass = { .device = device, .list = list };

    *list = (struct mount_list){ 0 };
    read_own_table(&pass);
    read_other_tables(&pass);
    free(pass.seen);
}

void mount_list_find_around(const char *path, struct mount_list *list)
{
    struct pass pass = { .list = list };

    *list = (struct mount_list){ 0 };
    read_own_table(&pass);
    if (!mount_list_at(list, path))
        read_other_tables(&pass);
    free(pass.seen);
}

static void free_mount(struct listed_mount *mount)
{
    free(mount->directory);
    free(mount->path);
    free(mount->root);
    free(mount->type);
    free(mount->source);
    free(mount->flags);
}

/* Returns whether a filesystem is among the first mounts of a list. */
static bool is_among(const struct mount_list *list, size_t count, dev_t device)
{
    for (size_t i = 0; i < count; i++) {
        if (list->all[i].device == device)
            return true;
    }
    return false;
}

void mount_list_drop_copies(struct mount_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (list->all[i].pid && is_among(list, kept, list->all[i].device))
            free_mount(&list->all[i]);
        else
            list->all[kept++] = list->all[i];
    }
    list->count = kept;
}

static bool is_whole(const struct listed_mount *mount)
{
    return strcmp(mount->root, "/") == 0;
}

/* Returns whether another mount of the same filesystem is to stay instead of this one. */
static bool is_repeated(const struct mount_list *list, const struct listed_mount *mount)
{
    for (const struct listed_mount *other = list->all; other < list->all + list->count; other++) {
        if (other != mount && other->device == mount->device &&
            (is_whole(other) > is_whole(mount) ||
             (is_whole(other) == is_whole(mount) && other < mount)))
            return true;
    }
    return false;
}

static bool is_chosen(dev_t device, const dev_t *devices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (devices[i] == device)
            return true;
    }
    return count == 0;
}

void mount_list_reduce(struct mount_list *list, const dev_t *devices, size_t count)
{
    struct mount_list kept = { .all = calloc(list->count + 1, sizeof(*kept.all)) };

    if (!kept.all)
        err(EXIT_FAILURE, NULL);
    for (size_t i = 0; i < list->count; i++) {
        const struct listed_mount *mount = &list->all[i];

        if (is_chosen(mount->device, devices, count) && !is_repeated(list, mount))
            kept.all[kept.count++] = *mount;
    }
    // An entry that stays is not freed with one that goes.
    for (size_t i = 0, next = 0; i < list->count; i++) {
        if (next < kept.count && list->all[i].path == kept.all[next].path)
            next++;
        else
            free_mount(&list->all[i]);
    }
    free(list->all);
    *list = kept;
}

void mount_list_free(struct mount_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free_mount(&list->all[i]);
    free(list->all);
}

const struct listed_mount *mount_list_at(const struct mount_list *list, const char *path)
{
    struct statx stx;

    if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_MNT_ID, &stx) != 0)
        return NULL;
    return find_mount_by_id(list, stx.stx_mnt_id);
}

const struct listed_mount *mount_list_rooted(const struct mount_list *list, const char *path)
{
    struct statx stx;

    if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, 0, &stx) != 0 ||
        !(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
        return NULL;
    return mount_list_at(list, path);
}

const struct listed_mount *mount_list_whole(const struct mount_list *list, dev_t device)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct listed_mount *mount = &list->all[i];

        if (mount->pid == 0 && mount->device == device && strcmp(mount->root, "/") == 0)
            return mount;
    }
    return NULL;
}
