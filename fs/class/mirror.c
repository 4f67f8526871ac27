// SPDX-License-Identifier: BSD-2-Clause
#include "fs/class/mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fs/inode/descriptors.h"
#include "fs/inode/impersonate.h"
#include "fs/util/fault.h"
#include "fs/util/log.h"
#include "lib/class/attributes.h"
#include "lib/class/class_root.h"
#include "lib/class/skeleton.h"
#include "lib/object/object.h"

/* A user's daemon must be able to read, and to enter, what it finds in the store. */
static mode_t bits_besides(const struct volume *volume)
{
    return volume->info.cred.privileged ? 0 : S_IRUSR | S_IXUSR;
}

/* Opens a mirror by its path below the class root. One with another owner than the directory in RAM
 * is not what was made there. Returns a descriptor or a negative errno; -ENOENT: it is not there.
 * */
static int open_mirror(struct volume *volume, int store_dir, const char *below, uid_t owner)
{
    struct statx stx;
    int error;
    int fd;

    do
        fd = object_open_beneath(store_dir, below, O_PATH);
    while (descriptors_make_room(volume, &fd));
    if (fd < 0)
        return fd;
    error = object_stat(fd, &stx);
    if (!error && stx.stx_uid == owner)
        return fd;
    close(fd);
    return error ? error : -ENOENT;
}

/* Does the same. Where somebody has removed it behind the mount, it is made again, as all others.
 * */
static int open_or_make_mirror(struct volume *volume, const struct inode *root, const char *below,
                               uid_t owner)
{
    COPY_ATTRIBUTES(&volume->info.cred);
    int store_dir = root->ref.held.io_fd;
    int fd = open_mirror(volume, store_dir, below, owner);
    int error;

    if (fd != -ENOENT)
        return fd;
    error = skeleton_keep(root->fd, store_dir, bits_besides(volume));
    return error ? error : open_mirror(volume, store_dir, below, owner);
}

/* Finds the mirror of a directory by its path in the RAM area. One that was removed has none, and
 * one with a path that is too long. */
static int find_by_path(struct inode *dir, struct mirror_place *place)
{
    struct node_key key = { .tree = AREA_STORE };
    struct object_path link;
    char path[PATH_MAX + 1];
    const char *below;
    struct statx stx;
    ssize_t length;
    int error = object_stat(dir->fd, &stx);

    if (error || stx.stx_nlink == 0)
        return error;
    length = readlink(object_path_of(dir->fd, &link), path, PATH_MAX);
    if (length < 0 || length == PATH_MAX)
        return length < 0 && errno != ENAMETOOLONG ? -errno : 0;
    path[length] = '\0';
    error = class_root_of_path(path, &key.ino, &key.birth, &below);
    if (!error)
        error = inode_of_key(dir->volume, &key, &place->root);
    if (error)
        return error;
    // The kernel knows the directories above those that it knows.
    if (!place->root.volume)
        return -ESTALE;
    if (!skeleton_is_kept(place->root.ref.held.io_fd))
        return 0;
    place->fd = open_or_make_mirror(dir->volume, &place->root, below, stx.stx_uid);
    place->opened = place->fd >= 0;
    return place->opened ? 0 : place->fd;
}

static int find_mirror(struct inode *dir, struct mirror_place *place)
{
    if (!inode_is_class_root(dir))
        return find_by_path(dir, place);
    if (skeleton_is_kept(dir->ref.held.io_fd))
        place->fd = dir->ref.held.io_fd;
    return 0;
}

static void place_end(struct mirror_place *place)
{
    if (place->opened)
        close(place->fd);
    inode_release(&place->root);
    *place = MIRROR_PLACE_NONE;
}

void mirror_end(struct mirror *mirror)
{
    if (mirror->volume)
        lock_release(&mirror->volume->mirrors);
    place_end(&mirror->at);
    place_end(&mirror->to);
    mirror->volume = NULL;
}

static bool may_have_mirror(const struct inode *dir)
{
    return volume_keeps_skeletons(dir->volume) && inode_is_dir(dir) &&
           inode_class(dir)->keeps_skeletons;
}

static void lock_mirrors(struct volume *volume, struct mirror *mirror)
{
    mirror->volume = volume;
    mirror->besides = bits_besides(volume);
    // The thread may still have the identity of one for whom the store reserves space.
    impersonate_none(volume);
    lock_take(&volume->mirrors);
}

int mirror_begin(struct inode *dir, struct mirror *mirror)
{
    int error;

    *mirror = MIRROR_NONE;
    if (!may_have_mirror(dir))
        return 0;
    lock_mirrors(dir->volume, mirror);
    error = find_mirror(dir, &mirror->at);
    if (error || mirror->at.fd < 0)
        mirror_end(mirror);
    return error;
}

int mirror_begin_attributes(struct inode *inode, struct mirror *mirror)
{
    if (!inode_is_class_root(inode))
        return mirror_begin(inode, mirror);
    *mirror = MIRROR_NONE;
    mirror->at.fd = inode->ref.held.io_fd;
    // The class must stay readable for a daemon that is no more than the owner.
    mirror->besides = bits_besides(inode->volume);
    if (mirror->besides && !skeleton_is_kept(mirror->at.fd))
        mirror->besides = S_IRUSR;
    return 0;
}

void mirror_repair_attributes(struct mirror *mirror, const struct inode *inode)
{
    COPY_ATTRIBUTES(&inode->volume->info.cred);

    if (mirror->at.fd >= 0)
        attributes_copy(inode->fd, mirror->at.fd, mirror->besides);
}

int mirror_make(struct mirror *mirror, const struct inode *dir, const char *name)
{
    COPY_ATTRIBUTES(&dir->volume->info.cred);

    fault_point(FAULT_AFTER_EXECUTION);
    impersonate_none(dir->volume);
    return skeleton_keep_new(dir->fd, mirror->at.fd, name, mirror->besides);
}

int mirror_remove(struct mirror *mirror, const char *name)
{
    int error = skeleton_remove(mirror->at.fd, name);

    fault_point(FAULT_AFTER_EXECUTION);
    return error;
}

/* Makes the mirror of a name what the directory in RAM is. */
static int keep_name(struct mirror *mirror, const struct mirror_place *place,
                     const struct inode *dir, const char *name)
{
    COPY_ATTRIBUTES(&dir->volume->info.cred);

    impersonate_none(dir->volume);
    return skeleton_keep_name(dir->fd, place->fd, name, mirror->besides);
}

static void repair(struct mirror *mirror, const struct mirror_place *place, const struct inode *dir,
                   const char *name)
{
    int error = keep_name(mirror, place, dir, name);

    if (error)
        log_event(LOG_WARNING, "the skeleton of an anonymous directory lacks %s: %s", name,
                  strerror(-error));
}

void mirror_repair(struct mirror *mirror, const struct inode *dir, const char *name)
{
    repair(mirror, &mirror->at, dir, name);
}

static bool is_directory_there(const struct inode *dir, const char *name)
{
    struct node_key key;
    struct statx stx;

    return inode_key_of_name(dir, name, &key, &stx) == 0 && S_ISDIR(stx.stx_mode);
}

void mirror_look(struct mirror_move *move)
{
    if (!may_have_mirror(move->from))
        return;
    move->goes = is_directory_there(move->from, move->name);
    move->comes = (move->flags & RENAME_EXCHANGE) && is_directory_there(move->to, move->new_name);
}

int mirror_begin_move(const struct mirror_move *move, struct mirror *mirror)
{
    struct volume *volume = move->from->volume;
    int error;

    *mirror = MIRROR_NONE;
    if (!move->goes && !move->comes)
        return 0;
    lock_mirrors(volume, mirror);
    error = find_mirror(move->from, &mirror->at);
    if (!error)
        error = find_mirror(move->to, &mirror->to);
    if (!error && (mirror->at.fd < 0) != (mirror->to.fd < 0))
        error = -EXDEV;
    // The request may have been at work before.
    if (!error && mirror->at.fd >= 0 && request_is_repeated(volume_request(volume))) {
        error = keep_name(mirror, &mirror->at, move->from, move->name);
        if (!error)
            error = keep_name(mirror, &mirror->to, move->to, move->new_name);
    }
    if (error || mirror->at.fd < 0)
        mirror_end(mirror);
    return error;
}

static int rename_between(int from, const char *name, int to, const char *new_name, unsigned flags)
{
    return renameat2(from, name, to, new_name, flags) == 0 ? 0 : -errno;
}

static int replace(int from, const char *name, int to, const char *new_name)
{
    int error = rename_between(from, name, to, new_name, 0);

    // The directories in the way are not in RAM.
    if (error == -ENOTEMPTY || error == -EEXIST) {
        error = skeleton_remove(to, new_name);
        if (!error)
            error = rename_between(from, name, to, new_name, 0);
    }
    return error;
}

int mirror_move(struct mirror *mirror, const struct mirror_move *move)
{
    int from = mirror->at.fd, to = mirror->to.fd;
    int error;

    if (move->goes && move->comes)
        error = rename_between(from, move->name, to, move->new_name, RENAME_EXCHANGE);
    else if (move->goes)
        error = replace(from, move->name, to, move->new_name);
    else
        error = replace(to, move->new_name, from, move->name);
    fault_point(FAULT_AFTER_EXECUTION);
    return error;
}

void mirror_move_back(struct mirror *mirror, const struct mirror_move *move)
{
    repair(mirror, &mirror->at, move->from, move->name);
    repair(mirror, &mirror->to, move->to, move->new_name);
}

/* Begins to keep a skeleton. The second round finds the changes that were under way when the others
 * learned of it. */
static int keep_all(const struct inode *class_root)
{
    mode_t besides = bits_besides(class_root->volume);
    int store_dir = class_root->ref.held.io_fd;
    int error = skeleton_mark(store_dir);

    class_root->volume->state->keeps_skeletons = 1;
    for (int round = 0; !error && round < 2; round++)
        error = skeleton_keep(class_root->fd, store_dir, besides);
    return error;
}

static int keep_none(int store_dir)
{
    int error = skeleton_drop(store_dir);

    return error ? error : skeleton_unmark(store_dir);
}

int mirror_switch(struct inode *class_root, bool on)
{
    struct volume *volume = class_root->volume;
    COPY_ATTRIBUTES(&volume->info.cred);
    int store_dir = class_root->ref.held.io_fd;
    bool is_on;
    int error;

    if (!inode_is_class_root(class_root) || !inode_class(class_root)->keeps_skeletons)
        return -EINVAL;
    // Each host has directories of its own there.
    if (volume_is_shared(volume))
        return -EOPNOTSUPP;
    impersonate_none(volume);
    lock_take(&volume->mirrors);
    is_on = skeleton_is_kept(store_dir);
    error = on ? keep_all(class_root) : is_on ? keep_none(store_dir) : 0;
    // Nothing is left half done.
    if (error && on && !is_on)
        keep_none(store_dir);
    else if (error && !on)
        skeleton_keep(class_root->fd, store_dir, bits_besides(volume));
    lock_release(&volume->mirrors);
    return error;
}

bool mirror_drop(const struct inode *victim)
{
    return victim->volume && inode_is_class_root(victim) &&
           skeleton_is_kept(victim->ref.held.io_fd) &&
           skeleton_is_alone(victim->ref.held.io_fd) > 0 &&
           skeleton_drop(victim->ref.held.io_fd) == 0;
}
