// SPDX-License-Identifier: BSD-2-Clause
/* The class anon: objects in the RAM area, which are gone with the mount. A class root of it is an
 * empty directory of the store, or has its skeleton there. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "fs/class/classes.h"
#include "fs/class/own_area.h"
#include "fs/inode/descriptors.h"
#include "fs/inode/inode.h"
#include "fs/util/log.h"
#include "lib/class/class_root.h"
#include "lib/object/object.h"

/* Writes a line about a class root, by its path in the store as far as the kernel tells it. */
static void log_skeleton(int named_dir, const char *what)
{
    char path[PATH_MAX];

    log_event(LOG_WARNING, "the skeleton of %s %s", object_shown_path(named_dir, path), what);
}

#define UNMARKED "is not kept, because the directory cannot be marked in the store"

static bool take_memory(void *volume)
{
    return memory_guard_take(((struct volume *)volume)->memory, MEMORY_OF_FILE);
}

/* Opens the directory in a RAM area that belongs to one in the store. */
static int open_in_ram(struct volume *volume, unsigned area, int named_dir, const struct statx *stx)
{
    COPY_ATTRIBUTES(&volume->info.cred);
    struct skeleton_return how = { .take = take_memory, .argument = volume };
    int contents;

    do
        contents = class_root_open(volume_area(volume, area), named_dir, stx, &how);
    while (descriptors_make_room(volume, &contents));
    if (how.full)
        log_skeleton(named_dir,
                     "did not come back as a whole, because the RAM area is full; a mount with a "
                     "larger size= and nr_inodes= has all of it");
    // On a shared store it would be that of several hosts, whose directories differ.
    if (!volume->state->keeps_skeletons && !volume_is_shared(volume) && skeleton_is_kept(named_dir))
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
        !class_root_was_met(volume_area(volume, AREA_RAM), stx) &&
        !own_area_is_there(volume, stx) && is_anon(named_dir) && !skeleton_is_kept(named_dir))
        mark_skeleton(volume, named_dir);
}

static int open_anon_contents(struct volume *volume, int named_dir, const struct statx *stx,
                              unsigned *area)
{
    int index = is_anon(named_dir) ? own_area_enter(volume, named_dir, stx) : -ESTALE;

    if (index < 0)
        return index;
    *area = (unsigned)index;
    return open_in_ram(volume, *area, named_dir, stx);
}

static void drop_anon_contents(struct volume *volume, int named_dir)
{
    struct statx stx;

    if (object_stat(named_dir, &stx) != 0)
        return;
    // An own area takes its contents with it.
    class_root_remove(volume_area(volume, AREA_RAM), &stx);
    own_area_leave(volume, named_dir, &stx);
}

/* Opens the contents that a directory is to have, in an area for themselves if there are words.
 * Contents of an earlier attempt have another's owner and mode, or limit. */
static int open_new_contents(struct volume *volume, int named_dir, const struct statx *stx,
                             const struct area_words *words, unsigned *area)
{
    int index = AREA_RAM, contents;

    own_area_leave(volume, named_dir, stx);
    if (words)
        index = own_area_make(volume, named_dir, stx, words);
    if (index < 0)
        return index;
    *area = (unsigned)index;
    contents = open_in_ram(volume, *area, named_dir, stx);
    if (contents < 0)
        own_area_leave(volume, named_dir, stx);
    return contents;
}

/* Makes an empty directory of the store the root of an anonymous tree. */
static int assign_anon(struct inode *directory, const struct area_words *words)
{
    struct volume *volume = directory->volume;
    struct statx stx;
    unsigned area = AREA_RAM;
    int contents;
    int error = class_root_is_empty(directory->fd);

    if (error <= 0)
        return error < 0 ? error : -ENOTEMPTY;
    error = object_stat(directory->fd, &stx);
    // A RAM directory left from before has another's owner and mode.
    if (!error)
        error = class_root_remove(volume_area(volume, AREA_RAM), &stx);
    if (error)
        return error;
    contents = open_new_contents(volume, directory->fd, &stx, words, &area);
    if (contents < 0)
        return contents;
    error = class_root_mark(directory->fd, SHMAP_ANON);
    if (error) {
        close(contents);
        drop_anon_contents(volume, directory->fd);
        return error;
    }
    if (volume->info.skeletons)
        mark_skeleton(volume, directory->fd);
    node_become_class_root(&volume->nodes, &directory->ref, (uint8_t)area, SHMAP_ANON, contents);
    return 0;
}

/* Moves the contents of a class root, which are empty, to an area for themselves; or changes the
 * one that it has. */
static int limit_anon(struct inode *class_root, const struct area_words *words)
{
    struct volume *volume = class_root->volume;
    int named_dir = class_root->ref.held.io_fd;
    struct statx stx;
    unsigned area = AREA_RAM;
    int contents;
    int error;

    if (class_root->ref.area != AREA_RAM)
        return own_area_change(volume, class_root->ref.area, words);
    error = class_root_is_empty(class_root->fd);
    if (error <= 0)
        return error < 0 ? error : -ENOTEMPTY;
    error = object_stat(named_dir, &stx);
    contents = error ? error : open_new_contents(volume, named_dir, &stx, words, &area);
    if (contents < 0)
        return contents;
    node_move_contents(&volume->nodes, &class_root->ref, (uint8_t)area, contents);
    class_root_remove(volume_area(volume, AREA_RAM), &stx);
    return 0;
}

static int anon_limit_words(const struct inode *class_root, char *words)
{
    if (class_root->ref.area < AREA_OWN)
        return -ENODATA;
    own_area_words(class_root->volume, class_root->ref.area, words);
    return 0;
}

const struct class CLASS_ANON = {
    .word = SHMAP_ANON,
    .area = AREA_RAM,
    .passes_through = true,
    .keeps_skeletons = true,
    .has_lifetimes = true,
    .prepare_contents = prepare_anon_contents,
    .open_contents = open_anon_contents,
    .drop_contents = drop_anon_contents,
    .assign = assign_anon,
    .limit = limit_anon,
    .limit_words = anon_limit_words,
};
