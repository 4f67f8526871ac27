// SPDX-License-Identifier: BSD-2-Clause
#include "fs/class/class_change.h"

#include <errno.h>

/* Tells whether a directory can have a class. Objects and names that last need an area that lasts,
 * and a name in it that leads to them. The mount's own class stays what it is. */
static bool can_be_here(const struct inode *directory, const struct class *class)
{
    if (directory->ref.id == NODE_ROOT_ID)
        return class == inode_class(directory);
    return !class->lasts || directory->ref.tree == class->area;
}

int class_assign(struct inode *directory, enum shmap_class word)
{
    struct volume *volume = directory->volume;
    const struct class *class = volume->classes[word];
    int error = 0;

    if (!inode_is_dir(directory))
        return -ENOTDIR;
    if (!can_be_here(directory, class))
        return -EINVAL;
    if (!class->served)
        return -EOPNOTSUPP;
    lock_take(&volume->class_roots);
    node_refresh(&volume->nodes, &directory->ref);
    directory->fd = directory->ref.held.path_fd;
    if (class != inode_class(directory))
        error = class->assign(directory);
    lock_release(&volume->class_roots);
    return error;
}

void class_root_gone(struct inode *class_root)
{
    struct volume *volume = class_root->volume;

    lock_take(&volume->class_roots);
    inode_class(class_root)->drop_contents(volume, class_root->ref.held.io_fd);
    lock_release(&volume->class_roots);
}
