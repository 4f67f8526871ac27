// SPDX-License-Identifier: BSD-2-Clause
/* Removing the directories of a skeleton. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/class/skeleton.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

static bool may_be_entered(const struct dirent64 *entry, const void *argument)
{
    (void)argument;
    return object_may_be_directory(entry);
}

static int open_name(int dir, const char *name)
{
    int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* The way from the top of a tree down to where it is being removed. A tree may be deep: it takes
 * one descriptor, and no room on the stack. */
struct step {
    uint64_t parent; // its inode number
    char name[NAME_MAX + 1];
};

struct descent {
    int dir; // where it is
    struct step *steps;
    size_t count, room;
};

/* Goes down to a directory in the present one. */
static int descend_to(struct descent *descent, const char *name)
{
    size_t room = descent->room ? 2 * descent->room : 4;
    struct step *steps;
    struct statx stx;
    int error = object_stat(descent->dir, &stx);
    int next;

    if (!error && descent->count == descent->room) {
        steps = reallocarray(descent->steps, room, sizeof(*steps));
        if (!steps)
            return -ENOMEM;
        descent->steps = steps;
        descent->room = room;
    }
    if (error)
        return error;
    next = object_open_beneath(descent->dir, name, O_PATH);
    if (next < 0)
        return next;
    descent->steps[descent->count].parent = stx.stx_ino;
    strlcpy(descent->steps[descent->count++].name, name, NAME_MAX + 1);
    close(descent->dir);
    descent->dir = next;
    return 0;
}

/* Goes up again, and removes the directory that it comes from. Somebody may have moved that one
 * elsewhere meanwhile. */
static int ascend(struct descent *descent)
{
    const struct step *step = &descent->steps[--descent->count];
    int parent = open_name(descent->dir, "..");
    struct statx stx;
    int error = parent < 0 ? parent : object_stat(parent, &stx);

    if (parent < 0)
        return parent;
    close(descent->dir);
    descent->dir = parent;
    if (!error && stx.stx_ino != step->parent)
        error = -ESTALE;
    if (!error && unlinkat(parent, step->name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        error = -errno;
    return error == -EEXIST ? -ENOTEMPTY : error;
}

int skeleton_drop(int dir)
{
    struct descent descent = { .dir = open_name(dir, ".") };
    int error = descent.dir < 0 ? descent.dir : 0;

    while (!error) {
        char name[NAME_MAX + 1];
        int found = object_find_entry(descent.dir, may_be_entered, NULL, name);

        if (found == 0 && descent.count == 0)
            break;
        error = found < 0 ? found : found > 0 ? descend_to(&descent, name) : ascend(&descent);
    }
    if (descent.dir >= 0)
        close(descent.dir);
    free(descent.steps);
    return error == -ENOTDIR ? -ENOTEMPTY : error;
}

static int remove_empty(int parent, const char *name)
{
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    return errno == EEXIST ? -ENOTEMPTY : -errno;
}

int skeleton_remove(int parent, const char *name)
{
    CLEANUP_FD int dir = -1;
    int error = remove_empty(parent, name);

    // Only directories have mirrors.
    if (error == -ENOTDIR)
        return 0;
    if (error != -ENOTEMPTY)
        return error;
    dir = object_open_beneath(parent, name, O_PATH);
    error = dir < 0 ? dir : skeleton_drop(dir);
    return error ? error : remove_empty(parent, name);
}
