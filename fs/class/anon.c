// SPDX-License-Identifier: BSD-2-Clause
/* The class anon: objects in the RAM area, which are gone with the mount. A class root of it is an
 * empty directory of the store. */
#include <errno.h>
#include <unistd.h>

#include "fs/class/classes.h"
#include "fs/inode/descriptors.h"
#include "fs/inode/inode.h"
#include "lib/class/class_root.h"
#include "lib/object/object.h"

static int open_anon_contents(struct volume *volume, int named_dir, const struct statx *stx)
{
    KEEP_SETID(&volume->info.cred, true);
    enum shmap_class word;
    int contents;

    if (class_root_class(named_dir, &word) != 0 || word != SHMAP_ANON)
        return -ESTALE;
    do
        contents = class_root_open(volume_area(volume, AREA_RAM), named_dir, stx);
    while (descriptors_make_room(volume, &contents));
    return contents;
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
    KEEP_SETID(&volume->info.cred, true);
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
    do
        contents = class_root_open(ram, directory->fd, &stx);
    while (descriptors_make_room(volume, &contents));
    if (contents < 0)
        return contents;
    error = class_root_mark(directory->fd, SHMAP_ANON);
    if (error) {
        close(contents);
        class_root_remove(ram, &stx);
        return error;
    }
    node_become_class_root(&volume->nodes, &directory->ref, AREA_RAM, SHMAP_ANON, contents);
    return 0;
}

const struct class CLASS_ANON = {
    .word = SHMAP_ANON,
    .area = AREA_RAM,
    .served = true,
    .passes_through = true,
    .open_contents = open_anon_contents,
    .drop_contents = drop_anon_contents,
    .assign = assign_anon,
};
