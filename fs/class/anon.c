// SPDX-License-Identifier: BSD-2-Clause
/* The class anon: objects in the RAM area, which are gone with the mount. A class root of it is an
 * empty directory of the store, or has its skeleton there. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "fs/class/classes.h"
#include "fs/inode/descriptors.h"
#include "fs/inode/inode.h"
#include "fs/util/log.h"
#include "lib/class/class_root.h"
#include "lib/object/object.h"

/* Writes a line about a class root, by its path in the store as far as the kernel tells it. */
static void log_skeleton(int named_dir, const char *what)
{
    struct object_path link;
    char path[PATH_MAX] = "";
    ssize_t length = readlink(object_path_of(named_dir, &link), path, sizeof(path) - 1);

    path[length > 0 ? length : 0] = '\0';
    log_event(LOG_WARNING, "the skeleton of %s %s", path, what);
}

#define UNMARKED "is not kept, because the directory cannot be marked in the store"

static bool take_memory(void *volume)
{
    return memory_guard_take(((struct volume *)volume)->memory, MEMORY_OF_FILE);
}

/* Opens the directory in the RAM area that belongs to one in the store. */
static int open_in_ram(struct volume *volume, int named_dir, const struct statx *stx)
{
    COPY_ATTRIBUTES(&volume->info.cred);
    struct skeleton_return how = { .take = take_memory, .argument = volume };
    int contents;

    do
        contents = class_root_open(volume_area(volume, AREA_RAM), named_dir, stx, &how);
    while (descriptors_make_room(volume, &contents));
    if (how.full)
        log_skeleton(named_dir,
                     "did not come back as a whole, because the RAM area is full; a mount with a "
                     "larger size= and nr_inodes= has all of it");
    if (!volume->state->keeps_skeletons && skeleton_is_kept(named_dir))
        volume->state->keeps_skeletons = 1;
    return contents;
}

static bool is_anon(int named_dir)
{
    enum shmap_class word;

    return class_root_class(named_dir, &word) == 0 && word == SHMAP_ANON;
}

static void mark_skeleton(struct volume *volume, int named_dir)
{
    if (skeleton_mark(named_dir) == 0)
        volume->state->keeps_skeletons = 1;
    else
        log_skeleton(named_dir, UNMARKED);
}

/* Marks a class root that is met for the first time, where the whole mount keeps skeletons. The
 * directory in RAM comes later, so that no change in it, nor a worker's death, misses the mark. */
static void prepare_anon_contents(struct volume *volume, int named_dir, const struct statx *stx)
{
    COPY_ATTRIBUTES(&volume->info.cred);

    if (volume->info.skeletons && !volume->state->read_only &&
        !class_root_was_met(volume_area(volume, AREA_RAM), stx) && is_anon(named_dir) &&
        !skeleton_is_kept(named_dir))
        mark_skeleton(volume, named_dir);
}

static int open_anon_contents(struct volume *volume, int named_dir, const struct statx *stx)
{
    if (!is_anon(named_dir))
        return -ESTALE;
    return open_in_ram(volume, named_dir, stx);
}

static void drop_anon_contents(struct volume *volume, int named_dir)
{
    struct statx stx;

    if (object_stat(named_dir, &stx) == 0)
        class_root_remove(volume_area(volume, AREA_RAM), &stx);
}

/* Makes an empty directory of the store the root of an anonymous tree. */
static int assign_anon(struct inode *directory)
{
    struct volume *volume = directory->volume;
    struct area *ram = volume_area(volume, AREA_RAM);
    struct statx stx;
    int contents;
    int error = class_root_is_empty(directory->fd);

    if (error <= 0)
        return error < 0 ? error : -ENOTEMPTY;
    error = object_stat(directory->fd, &stx);
    // A RAM directory left from before has another's owner and mode.
    if (!error)
        error = class_root_remove(ram, &stx);
    if (error)
        return error;
    contents = open_in_ram(volume, directory->fd, &stx);
    if (contents < 0)
        return contents;
    error = class_root_mark(directory->fd, SHMAP_ANON);
    if (error) {
        close(contents);
        class_root_remove(ram, &stx);
        return error;
    }
    if (volume->info.skeletons)
        mark_skeleton(volume, directory->fd);
    node_become_class_root(&volume->nodes, &directory->ref, AREA_RAM, SHMAP_ANON, contents);
    return 0;
}

const struct class CLASS_ANON = {
    .word = SHMAP_ANON,
    .area = AREA_RAM,
    .served = true,
    .passes_through = true,
    .prepare_contents = prepare_anon_contents,
    .open_contents = open_anon_contents,
    .drop_contents = drop_anon_contents,
    .assign = assign_anon,
};
