// SPDX-License-Identifier: BSD-2-Clause
#include "fs/class/class_change.h"

#include <errno.h>

#include "fs/limit/share.h"
#include "fs/single/file_class.h"
#include "lib/object/object.h"

/* Tells whether a directory can have a class. Names of every class are in the store, and below a
 * class that does not last there are no others. The mount's own class stays what it is. */
static bool can_be_here(const struct inode *directory, const struct class *class)
{
    const struct class *now = inode_class(directory);

    if (class == now)
        return true;
    if (directory->ref.id == NODE_ROOT_ID)
        return false;
    return class->lasts ? now->lasts || inode_is_class_root(directory) : now->lasts;
}

/* Returns whether a class root stays what it is, because other hosts may have files in theirs. */
static bool is_fixed(const struct inode *directory)
{
    return volume_is_shared(directory->volume) && inode_is_class_root(directory);
}

/* Counts for its owner what a directory pins as a class root, before it becomes one. */
static int count_share(struct inode *directory)
{
    struct statx stx;
    int error = object_stat(directory->fd, &stx);

    if (!error)
        error = share_check(directory->volume, stx.stx_uid);
    if (!error)
        share_count(directory, stx.stx_uid);
    return error;
}

/* Waits until no other thread works on class roots, which may have changed this one. */
static void lock_class_roots(struct inode *directory)
{
    lock_take(&directory->volume->class_roots);
    node_refresh(&directory->volume->nodes, &directory->ref);
    directory->fd = directory->ref.held.path_fd;
}

/* With the lock held, changes the area of a class root. */
static int limit_class_root(struct inode *class_root, const struct area_words *words)
{
    const struct class *class = inode_class(class_root);

    if (!inode_is_class_root(class_root) || !class->limit)
        return -EINVAL;
    return class->limit(class_root, words);
}

int class_assign(struct inode *directory, enum shmap_class word, const struct area_words *words)
{
    struct volume *volume = directory->volume;
    const struct class *class = volume->classes[word];
    int error = 0;

    if (inode_is_regular(directory) && !words)
        return file_class_assign(directory, word);
    if (!inode_is_dir(directory))
        return -ENOTDIR;
    if (!can_be_here(directory, class))
        return -EINVAL;
    error = class->check ? class->check(volume) : 0;
    if (!error && is_fixed(directory) && (class != inode_class(directory) || words))
        error = -EBUSY;
    if (error)
        return error;
    if (class->open_contents && class != inode_class(directory))
        error = count_share(directory);
    if (error)
        return error;
    lock_class_roots(directory);
    if (class != inode_class(directory))
        error = class->assign(directory, words);
    else if (words)
        error = limit_class_root(directory, words);
    lock_release(&volume->class_roots);
    return error;
}

int class_limit(struct inode *directory, const struct area_words *words)
{
    int error;

    if (is_fixed(directory))
        return -EBUSY;
    lock_class_roots(directory);
    error = limit_class_root(directory, words);
    lock_release(&directory->volume->class_roots);
    return error;
}

void class_root_gone(struct inode *class_root)
{
    struct volume *volume = class_root->volume;

    lock_take(&volume->class_roots);
    inode_class(class_root)->drop_contents(volume, class_root->ref.held.io_fd);
    lock_release(&volume->class_roots);
}
