// SPDX-License-Identifier: BSD-2-Clause
/*
 * A class: what happens to the objects of a directory tree. One constant table each, in fs/class;
 * whatever differs between classes is asked of it, and of nothing else.
 */
#ifndef SHMAPFS_CLASS_H
#define SHMAPFS_CLASS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "lib/api/shmap.h"

struct inode;
struct volume;

struct class
{
    enum shmap_class word; // its name is shmap_class_name() of it
    unsigned area;         // the index of the area that holds its objects
    bool served;           // otherwise its word is known, and nothing else
    bool lasts;            // objects and their names outlive the mount
    bool passes_through;   // the kernel may reach its files without the daemon (backing.h)
    bool sync_waits;       // fsync waits for a disk

    /* Opens (O_PATH) the directory that holds the contents of a class root, given the directory
     * that carries its name, with its attributes. Returns a descriptor or a negative errno; -ESTALE:
     * that one is no root of this class any more. NULL: contents are where their name is. */
    int (*open_contents)(struct volume *volume, int named_dir, const struct statx *stx);

    /* The directory that carried the name of a class root is gone, and its contents, which are none,
     * are not needed any more. NULL as above. */
    void (*drop_contents)(struct volume *volume, int named_dir);

    /* Gives a directory this class; -ENOTEMPTY: it has entries. volume->class_roots is held. */
    int (*assign)(struct inode *directory);
};

#endif
