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
#include <sys/types.h>

#include "fs/nodes/node_table.h"
#include "lib/api/shmap.h"

struct area_words;
struct inode;
struct move;
struct volume;

/* Beside the classes that have a word there is one for a file of the store whose contents alone are
 * anonymous. Its index is above theirs, and its word is that of the class anon. */
#define CLASS_ANON_FILE SHMAP_CLASSES
#define CLASSES_ALL     (SHMAP_CLASSES + 1)

/* The contents of a file whose class keeps them in a way of its own. `fd` is a descriptor of the
 * area's file that can read; the functions do what their namesakes in fs/vfs/file.h and the system
 * calls do, and return a size, 0 or a negative errno. */
struct contents {
    ssize_t (*read)(struct inode *inode, int fd, void *data, size_t size, off_t offset);
    ssize_t (*write)(struct inode *inode, int fd, const void *data, size_t size, off_t offset);
    int (*truncate)(struct inode *inode, int fd, off_t size);
    int (*allocate)(struct inode *inode, int fd, int mode, off_t offset, off_t length);
    off_t (*seek)(struct inode *inode, int fd, off_t offset, int whence);
    int (*sync)(struct inode *inode, int fd);

    /* Puts into the attributes of the area's file what is not in that yet. */
    void (*overlay)(const struct inode *inode, struct statx *stx);

    /* Notes that a client has set the modification time, or anything else that is not contents;
     * the area's file has it already. */
    void (*touch)(struct inode *inode, bool mtime);

    /* Called before an open is answered (NULL: nothing is to be done); -ESTALE: the kernel has to
     * look at the file again. */
    int (*open)(struct inode *inode, bool writer);

    /* Called when the file may have had its last close (NULL: nothing is to be done): the open that
     * ends is not counted any more. `fd` is -1 if there is none. */
    void (*close)(struct inode *inode, int fd);

    /* Called when nobody can reach the contents any more: the kernel forgets a file without a name.
     * Until then it can be opened, by whoever has looked it up or has an O_PATH descriptor. */
    void (*gone)(struct inode *inode);

    /* Brings what was written to the disk before the file takes the name of another, which would
     * otherwise be gone for one that is empty after a crash. NULL: none of it lasts. */
    int (*settle)(struct inode *inode);

    /* For a file that gets another class (fs/single/file_class.h): take the contents from the
     * area's file, and give them to it, which the class may do with already (NULL). That can be
     * given up, and nothing has changed then. After the file has its new class the other two
     * remove what the area's file has too much, and what the class had. `fd` can be read and
     * written. */
    int (*take)(struct inode *inode, int fd, const struct move *move);
    int (*took)(struct inode *inode, int fd);
    int (*give)(struct inode *inode, int fd, const struct move *move);
    void (*gave)(struct inode *inode);
};

struct class
{
    enum shmap_class word; // shmap_class_name() gives its name
    unsigned area;         // the index of the area that holds its objects
    bool lasts;            // objects and their names outlive the mount
    bool passes_through;   // the kernel may reach the files without the daemon (backing.h)
    bool sync_waits;       // fsync waits for a disk
    bool keeps_skeletons;  // its roots can keep their directories (fs/class/mirror.h)
    bool has_lifetimes;    // its files can go with their last user (fs/lifetime/last_close.h)

    // Its files wait in RAM for their next commit, and are saved now and then; otherwise they are
    // committed by their users alone.
    bool works_in_ram;

    // How the contents of its files are read, written and committed; NULL: as the area does it.
    const struct contents *contents;

    // Returns 0 if a volume can have the class, otherwise a negative errno; NULL: each can.
    int (*check)(const struct volume *volume);

    /* Called when a file that is to get another class has had its last close; NULL: its files have
     * none of their own. */
    void (*change)(struct inode *inode);

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

    /* Copies the words of that area, AREA_WORDS_MAX bytes. -ENODATA: there is none. NULL as
     * above. */
    int (*limit_words)(const struct inode *class_root, char *words);
};

/* Returns the flags of a node in a directory of a class; and the class of a file's directory, of
 * those that last. */
static inline uint16_t class_flags_below(uint8_t class)
{
    if (class == SHMAP_ATOMIC)
        return NODE_BELOW_ATOMIC;
    return class == SHMAP_CHECKPOINT ? NODE_BELOW_CHECKPOINT : 0;
}

static inline enum shmap_class class_above(uint16_t flags)
{
    if (flags & NODE_BELOW_ATOMIC)
        return SHMAP_ATOMIC;
    return flags & NODE_BELOW_CHECKPOINT ? SHMAP_CHECKPOINT : SHMAP_PERSIST;
}

#endif
