// SPDX-License-Identifier: BSD-2-Clause
/* The search for files with a lifetime of their own, of which nobody has told: after the death of a
 * process, or when events were lost. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/inode/descriptors.h"
#include "fs/lifetime/candidates.h"
#include "fs/lifetime/last_close.h"
#include "lib/sys/cleanup.h"

/* The directories that are still to be searched: paths below the area's root. */
struct search {
    struct volume *volume;
    unsigned area;
    int root; // of the area
    char **paths;
    size_t count, room;
};

static void add_path(struct search *search, const char *dir, const char *name)
{
    size_t room = search->room ? 2 * search->room : 64;
    char **paths;
    char *path;

    if (search->count == search->room) {
        paths = reallocarray(search->paths, room, sizeof(*paths));
        if (!paths)
            return;
        search->paths = paths;
        search->room = room;
    }
    if (asprintf(&path, "%s/%s", dir, name) >= 0)
        search->paths[search->count++] = path;
}

static void list_leftover(struct search *search, int dir, const char *name)
{
    INODE struct inode inode = INODE_NONE;
    CLEANUP_FD int fd = object_open_in(dir, name);
    struct statx stx;

    if (fd < 0 || object_stat(fd, &stx) != 0 || !S_ISREG(stx.stx_mode) ||
        !lifetime_get(fd).last_close)
        return;
    if (inode_of_object(search->volume, search->area, SHMAP_ANON, steal_fd(&fd), &inode) != 0)
        return;
    if (stx.stx_nlink == 1)
        last_close_follow_name(&inode, dir, name);
    last_close_settle(&inode);
}

static void search_directory(struct search *search, const char *path)
{
    int fd = object_open_beneath(search->root, path, O_RDONLY);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!stream) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while (!search->volume->last_close->over && (entry = readdir(stream))) {
        if (object_is_dot(entry->d_name))
            continue;
        if (entry->d_type == DT_DIR)
            add_path(search, path, entry->d_name);
        else if (entry->d_type == DT_REG)
            list_leftover(search, fd, entry->d_name);
    }
    closedir(stream);
}

/* Opens the root of an area, which may be closed meanwhile. Returns a descriptor or a negative
 * errno. */
static int open_area(struct volume *volume, unsigned area)
{
    int fd = -ENOENT;

    lock_take(&volume->own_areas);
    if (volume_has_area(volume, area))
        fd = object_reopen(volume_area(volume, area)->root, O_PATH);
    lock_release(&volume->own_areas);
    return fd;
}

static void search_area(struct volume *volume, unsigned area)
{
    CLEANUP_FD int root = open_area(volume, area);
    struct search search = { .volume = volume, .area = area, .root = root };

    search_directory(&search, ".");
    while (search.count > 0) {
        CLEANUP_FREE char *path = search.paths[--search.count];

        search_directory(&search, path);
    }
    free(search.paths);
}

void leftovers_find(struct volume *volume)
{
    for (unsigned area = 0; volume_has_lifetimes(volume) && area < AREAS; area++) {
        if (area_kind(area)->is_memory && volume_has_area(volume, area))
            search_area(volume, area);
    }
}
