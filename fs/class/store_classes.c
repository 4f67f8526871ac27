// SPDX-License-Identifier: BSD-2-Clause
/*
 * The classes whose contents are in the store, where the names are.
 *
 * persist: what is in the store stays there, on disk when msync(2) or fsync(2) return.
 * atomic, checkpoint: after a crash files are exactly as of their last commit. Later writes wait
 * in the store's journal, or in RAM.
 *
 * And the class of a single file that is anonymous: its name is kept, its contents are not.
 */
#include <errno.h>

#include "fs/class/classes.h"
#include "fs/inode/inode.h"
#include "fs/journal/journaled_file.h"
#include "fs/single/anon_contents.h"
#include "fs/single/file_class.h"
#include "lib/class/class_root.h"
#include "lib/class/lifetime.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

/* Returns the descriptor of the directory that has the name. */
static int named_directory(const struct inode *directory)
{
    return inode_is_class_root(directory) ? directory->ref.held.io_fd : directory->fd;
}

bool store_class_begins(const struct inode *directory)
{
    enum shmap_class word;

    return inode_is_dir(directory) && inode_class(directory)->lasts &&
           class_root_class(directory->fd, &word) == 0;
}

enum shmap_class store_class_above(const struct inode *directory)
{
    CLEANUP_FD int fd = object_open_in(named_directory(directory), "..");
    INODE struct inode above = INODE_NONE;
    struct node_key key = { .tree = AREA_STORE };
    struct statx stx;

    if (fd < 0 || object_stat(fd, &stx) != 0)
        return SHMAP_PERSIST;
    key.ino = stx.stx_ino;
    key.birth = object_birth(&stx);
    // The kernel knows the directory above each that it knows.
    if (inode_of_key(directory->volume, &key, &above) != 0 || !above.volume)
        return SHMAP_PERSIST;
    return inode_class(&above)->lasts ? inode_class(&above)->word : SHMAP_PERSIST;
}

/* Ends what a directory is as the root of a class whose contents are elsewhere. */
static int leave_contents(int named_dir)
{
    // Directories that found no room in RAM are not to appear now.
    int error = skeleton_is_kept(named_dir) ? skeleton_drop(named_dir) : 0;

    if (!error)
        error = skeleton_unmark(named_dir);
    // Should it be anonymous once more, it is to begin as any other.
    return error ? error : lifetime_set(named_dir, &(struct shmap_lifetime){ .last_close = false });
}

/* Gives an empty directory such a class. Where the directory above has it the mark goes that this
 * one has. */
static int assign_in_store(struct inode *directory, const struct class *class,
                           const struct area_words *words)
{
    struct volume *volume = directory->volume;
    const struct class *before = inode_class(directory);
    bool elsewhere = inode_is_class_root(directory);
    int named_dir = named_directory(directory);
    int error = class_root_is_empty(directory->fd);

    if (words)
        return -EINVAL;
    if (error <= 0)
        return error < 0 ? error : -ENOTEMPTY;
    error = elsewhere ? leave_contents(named_dir) : 0;
    if (!error)
        error = store_class_above(directory) == class->word
                    ? class_root_unmark(named_dir)
                    : class_root_mark(named_dir, class->word);
    if (error)
        return error;
    if (class->contents)
        state_set_cached_class(volume->state, CACHES_CLASS);
    if (!elsewhere) {
        node_set_class(&volume->nodes, &directory->ref, (uint8_t) class->word);
        return 0;
    }
    before->drop_contents(volume, named_dir);
    node_become_plain(&volume->nodes, &directory->ref, (uint8_t) class->area,
                      (uint8_t) class->word);
    return 0;
}

static int assign_persist(struct inode *directory, const struct area_words *words)
{
    return assign_in_store(directory, &CLASS_PERSIST, words);
}

const struct class CLASS_PERSIST = {
    .word = SHMAP_PERSIST,
    .area = AREA_STORE,
    .change = file_class_settle,
    .lasts = true,
    .passes_through = true,
    .sync_waits = true,
    .assign = assign_persist,
};

static int assign_atomic(struct inode *directory, const struct area_words *words)
{
    return assign_in_store(directory, &CLASS_ATOMIC, words);
}

static int assign_checkpoint(struct inode *directory, const struct area_words *words)
{
    return assign_in_store(directory, &CLASS_CHECKPOINT, words);
}

/* With FUSE's cache for writes the kernel believes nobody but itself about the size of a file, and
 * so no commit, nor what goes without one, could be told from it. And a journal is of one host:
 * others would see the files without what waits in it. */
static int check_journaled(const struct volume *volume)
{
    return volume->info.writeback || volume_is_shared(volume) ? -EOPNOTSUPP : 0;
}

const struct class CLASS_ATOMIC = {
    .word = SHMAP_ATOMIC,
    .area = AREA_STORE,
    .change = file_class_settle,
    .lasts = true,
    .sync_waits = true,
    .contents = &JOURNALED_CONTENTS,
    .check = check_journaled,
    .assign = assign_atomic,
};

const struct class CLASS_CHECKPOINT = {
    .word = SHMAP_CHECKPOINT,
    .area = AREA_STORE,
    .change = file_class_settle,
    .lasts = true,
    .sync_waits = true,
    .works_in_ram = true,
    .contents = &JOURNALED_CONTENTS,
    .check = check_journaled,
    .assign = assign_checkpoint,
};

/* Without a cache for writes of the kernel's, for the reason of the classes with a journal; and not
 * where other hosts have the name, and not what is in the file. */
static int check_anon_file(const struct volume *volume)
{
    return volume->info.writeback || volume_is_shared(volume) || !volume_has_area(volume, AREA_RAM)
               ? -EOPNOTSUPP
               : 0;
}

const struct class CLASS_ANON_OF_FILE = {
    .word = SHMAP_ANON,
    .area = AREA_STORE,
    .contents = &ANON_CONTENTS,
    .change = file_class_settle,
    .check = check_anon_file,
};
