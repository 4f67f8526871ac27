// SPDX-License-Identifier: BSD-2-Clause
/*
 * The class scratch: objects on the store's disk that are gone with the mount, for what need not be
 * kept and may be larger than RAM. A class root of it is an empty directory of the store; its
 * contents are in a place of the store that the mount does not show (lib/class/scratch_place.h).
 *
 * A mount that began read-only could not empty that place, and an older version did not. There the
 * contents are in the RAM area, and no directory gets the class.
 */
#include <errno.h>
#include <unistd.h>

#include "fs/class/classes.h"
#include "fs/inode/descriptors.h"
#include "fs/inode/inode.h"
#include "fs/limit/scratch_limit.h"
#include "fs/util/fault.h"
#include "lib/class/class_root.h"
#include "lib/class/scratch_place.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

static bool is_scratch(int named_dir)
{
    enum shmap_class word;

    return class_root_class(named_dir, &word) == 0 && word == SHMAP_SCRATCH;
}

/* Opens the directory of the contents in an area, where `place` is the directory of all of them. */
static int open_in_place(struct volume *volume, int place, int named_dir, const struct statx *stx)
{
    COPY_ATTRIBUTES(&volume->info.cred);
    const struct area area = { .root = place };
    int contents;

    do
        contents = class_root_open(&area, named_dir, stx, NULL);
    while (descriptors_make_room(volume, &contents));
    return contents;
}

/* Has contents count for their limit, if there is one. Closes them if that fails. */
static int open_limited(struct volume *volume, int place, int named_dir, const struct statx *stx)
{
    CLEANUP_FD int contents = open_in_place(volume, place, named_dir, stx);
    COPY_ATTRIBUTES(&volume->info.cred);
    int error = contents;

    if (contents < 0)
        return contents;
    fault_point(FAULT_IN_AREA);
    do
        error = scratch_limit_apply(volume, named_dir, contents);
    while (descriptors_make_room(volume, &error));
    return error ? error : steal_fd(&contents);
}

static int find_scratch(struct volume *volume)
{
    COPY_ATTRIBUTES(&volume->info.cred);
    int place;

    do
        place = scratch_open(volume_area(volume, AREA_STORE));
    while (descriptors_make_room(volume, &place));
    return place;
}

static int open_in_store(struct volume *volume, int named_dir, const struct statx *stx)
{
    CLEANUP_FD int place = find_scratch(volume);
    int contents;

    if (place < 0)
        return place;
    // A node of this class is beyond what an earlier version knows.
    state_set_scratch(volume->state);
    fault_point(FAULT_IN_AREA);
    contents = open_limited(volume, place, named_dir, stx);
    fault_point(FAULT_IN_AREA);
    return contents;
}

static bool has_contents(struct volume *volume, const struct statx *stx)
{
    CLEANUP_FD int place = scratch_find(volume_area(volume, AREA_STORE));

    return place >= 0 && class_root_was_met(&(struct area){ .root = place }, stx);
}

/* Makes the contents of a class root that is met for the first time. A disk that does not answer
 * holds up nobody but those who wait for it anyway. */
static void prepare_scratch_contents(struct volume *volume, int named_dir, const struct statx *stx)
{
    int contents = -1;

    if (!volume->state->scratch || !is_scratch(named_dir) || has_contents(volume, stx))
        return;
    lock_take(&volume->mirrors);
    contents = open_in_store(volume, named_dir, stx);
    lock_release(&volume->mirrors);
    if (contents >= 0)
        close(contents);
}

static int open_scratch_contents(struct volume *volume, int named_dir, const struct statx *stx,
                                 unsigned *area)
{
    if (!is_scratch(named_dir))
        return -ESTALE;
    if (volume->state->scratch)
        return open_in_store(volume, named_dir, stx);
    *area = AREA_RAM;
    state_set_scratch(volume->state);
    return open_in_place(volume, volume_area(volume, AREA_RAM)->root, named_dir, stx);
}

static void drop_scratch_contents(struct volume *volume, int named_dir)
{
    CLEANUP_FD int place = volume->state->scratch ? find_scratch(volume) : -1;
    struct statx stx;

    if (object_stat(named_dir, &stx) != 0)
        return;
    if (place >= 0)
        class_root_remove(&(struct area){ .root = place }, &stx);
    else
        class_root_remove(volume_area(volume, AREA_RAM), &stx);
    scratch_limit_leave(volume, named_dir);
}

/* Makes the contents of a directory. Those of an earlier attempt have another's owner and mode, or
 * limit. */
static int open_emptied(struct volume *volume, int named_dir, const struct area_words *words)
{
    struct statx stx;
    int error = object_stat(named_dir, &stx);
    int contents;

    if (error)
        return error;
    drop_scratch_contents(volume, named_dir);
    if (words)
        error = scratch_limit_note(volume, named_dir, words);
    if (error)
        return error;
    contents = open_in_store(volume, named_dir, &stx);
    if (contents < 0)
        drop_scratch_contents(volume, named_dir);
    return contents;
}

/* Makes an empty directory of the store the root of a tree that does not last. */
static int assign_scratch(struct inode *directory, const struct area_words *words)
{
    struct volume *volume = directory->volume;
    int error = class_root_is_empty(directory->fd);
    int contents;

    if (!volume->state->scratch)
        return -EOPNOTSUPP;
    if (error <= 0)
        return error < 0 ? error : -ENOTEMPTY;
    contents = open_emptied(volume, directory->fd, words);
    if (contents < 0)
        return contents;
    fault_point(FAULT_AFTER_EXECUTION);
    error = class_root_mark(directory->fd, SHMAP_SCRATCH);
    if (error) {
        close(contents);
        drop_scratch_contents(volume, directory->fd);
        return error;
    }
    node_become_class_root(&volume->nodes, &directory->ref, AREA_STORE, SHMAP_SCRATCH, contents);
    return 0;
}

static int limit_scratch(struct inode *class_root, const struct area_words *words)
{
    return class_root->volume->state->scratch ? scratch_limit_change(class_root, words)
                                              : -EOPNOTSUPP;
}

/* The place is emptied when a mount begins and ends, while others may use what they have there. */
static int check_scratch(const struct volume *volume)
{
    return volume_is_shared(volume) ? -EOPNOTSUPP : 0;
}

const struct class CLASS_SCRATCH = {
    .word = SHMAP_SCRATCH,
    .area = AREA_STORE,
    .passes_through = true,
    .check = check_scratch,
    .prepare_contents = prepare_scratch_contents,
    .open_contents = open_scratch_contents,
    .drop_contents = drop_scratch_contents,
    .assign = assign_scratch,
    .limit = limit_scratch,
    .limit_words = scratch_limit_words,
};
