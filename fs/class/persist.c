// SPDX-License-Identifier: BSD-2-Clause
/* The class persist: what is in the store stays there, on disk when msync(2) or fsync(2) return. */
#include <errno.h>

#include "fs/class/classes.h"
#include "fs/inode/inode.h"
#include "lib/class/class_root.h"
#include "lib/class/lifetime.h"
#include "lib/object/object.h"

/* Makes a class root a directory like its parent again. */
static int assign_persist(struct inode *directory, const struct area_words *words)
{
    struct volume *volume = directory->volume;
    const struct class *before = inode_class(directory);
    int named_dir = directory->ref.held.io_fd;
    int error = class_root_is_empty(directory->fd);

    if (words)
        return -EINVAL;
    if (error <= 0)
        return error < 0 ? error : -ENOTEMPTY;
    // Directories that found no room in RAM are not to appear now.
    if (skeleton_is_kept(named_dir))
        error = skeleton_drop(named_dir);
    else
        error = 0;
    if (!error)
        error = skeleton_unmark(named_dir);
    // Should it be anonymous once more, it is to begin as any other.
    if (!error)
        error = lifetime_set(named_dir, &(struct shmap_lifetime){ .last_close = false });
    if (!error)
        error = class_root_unmark(named_dir);
    if (error)
        return error;
    before->drop_contents(volume, named_dir);
    node_become_plain(&volume->nodes, &directory->ref, AREA_STORE, SHMAP_PERSIST);
    return 0;
}

const struct class CLASS_PERSIST = {
    .word = SHMAP_PERSIST,
    .area = AREA_STORE,
    .served = true,
    .lasts = true,
    .passes_through = true,
    .sync_waits = true,
    .assign = assign_persist,
};
