// SPDX-License-Identifier: BSD-2-Clause
/*
 * A class: what happens to the objects of a directory tree.
 *
 * Each class is one constant table, in fs/class. Code asks that table, and nothing else, for
 * whatever differs between classes.
 */
#ifndef SHMAPFS_CLASS_H
#define SHMAPFS_CLASS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "lib/api/shmap.h"

struct area_words;
struct inode;
struct volume;

struct class
{
    enum shmap_class word; // shmap_class_name() gives its name
    unsigned area;         // the index of the area that holds its objects
    bool served;           // false: the word is known, and nothing else
    bool lasts;            // objects and their names outlive the mount
    bool passes_through;   // the kernel may reach the files without the daemon (backing.h)
    bool sync_waits;       // fsync waits for a disk
    bool keeps_skeletons;  // its roots can keep their directories (fs/class/mirror.h)
    bool has_lifetimes;    // its files can go with their last user (fs/lifetime/last_close.h)

    /* Changes in the store whatever a class root takes there before its contents are opened. That
     * may wait for a disk: volume->class_roots is not held. NULL: it takes nothing. */
    void (*prepare_contents)(struct volume *volume, int named_dir, const struct statx *stx);

    /* Opens (O_PATH) the directory that holds the contents of a class root, given the directory
     * that carries its name, with that one's attributes. Returns a descriptor or a negative errno;
     * -ESTALE: the directory with the name is no root of this class any more. `area` receives the
     * index of the area that they are in. NULL: the contents are where the name is. */
    int (*open_contents)(struct volume *volume, int named_dir, const struct statx *stx,
                         unsigned *area);

    /* Drops the contents of a class root, which are empty; the directory that carried its name is
     * gone. NULL as above. */
    void (*drop_contents)(struct volume *volume, int named_dir);

    /* Gives a directory this class; -ENOTEMPTY: it has entries. With words, its contents get an
     * area for themselves; -EINVAL: not with this class, or there is no size. volume->class_roots
     * is held. */
    int (*assign)(struct inode *directory, const struct area_words *words);

    /* Changes the area that a class root has for itself, or gives it one; -ENOTEMPTY: it has
     * entries, and none. volume->class_roots is held. NULL: there are none with this class. */
    int (*limit)(struct inode *class_root, const struct area_words *words);
};

#endif
