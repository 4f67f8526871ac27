// SPDX-License-Identifier: BSD-2-Clause
// Actions that change names.
#include "tests/mount/load/tree/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mode_t some_mode(struct load_process *process)
{
    // No mode that the umask changes, or that keeps a user from his own file.
    static const mode_t modes[] = { 0600, 0640, 0644, 0700, 0750, 0755 };

    return modes[load_random(process, sizeof(modes) / sizeof(modes[0]))];
}

void tree_create(struct tree_actor *actor, struct tree_place *place, struct tree_place *other)
{
    struct load_process *process = actor->process;
    int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    mode_t mode = some_mode(process);

    (void)other;
    if (tree_at(actor, place) != NULL) {
        CALL_FAILS(process, place->path, EEXIST, open(place->path, flags, mode));
        return;
    }
    int fd = (int)CALL(process, place->path, open(place->path, flags, mode));
    if (fd == -1)
        return;
    struct tree_object *object = tree_new(actor, TREE_FILE, fd, place->path);
    load_same(process, "new mode", place->path, object->mode & 07777, mode);
    tree_put(actor, place, object);
    tree_scribble(actor, object, 0, 1 + load_random(process, 4000));
    CALL_GIVES(process, place->path, (long)object->size, write(fd, object->bytes, object->size));
    tree_keep(actor, object, fd);
}

/* Opens what is there, and makes it otherwise. */
void tree_open(struct tree_actor *actor, struct tree_place *place, struct tree_place *other)
{
    struct load_process *process = actor->process;
    struct tree_object *object = tree_at(actor, place);
    int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
    int error = object == NULL ? 0 : tree_open_error(object);

    (void)other;
    if (error != 0) {
        CALL_FAILS(process, place->path, error, open(place->path, flags, 0600));
        return;
    }
    int fd = (int)CALL(process, place->path, open(place->path, flags, 0600));
    if (fd == -1)
        return;
    if (object == NULL) {
        object = tree_new(actor, TREE_FILE, fd, place->path);
        tree_put(actor, place, object);
    }
    tree_check_attributes(actor, object, fd, place->path);
    tree_keep(actor, object, fd);
}

void tree_create_nameless(struct tree_actor *actor, struct tree_place *place,
                          struct tree_place *other)
{
    struct load_process *process = actor->process;
    char directory[] = "d0";

    (void)other;
    directory[1] = place->path[1];
    int fd = (int)CALL(process, directory, open(directory, O_RDWR | O_TMPFILE | O_CLOEXEC, 0644));
    if (fd == -1)
        return;
    struct tree_object *object = tree_new(actor, TREE_FILE, fd, directory);
    object->linkable = true;
    tree_scribble(actor, object, 0, 1 + load_random(process, 4000));
    CALL_GIVES(process, directory, (long)object->size, write(fd, object->bytes, object->size));
    tree_check_attributes(actor, object, fd, directory);
    tree_keep(actor, object, fd);
}

void tree_make_directory(struct tree_actor *actor, struct tree_place *place,
                         struct tree_place *other)
{
    struct load_process *process = actor->process;
    mode_t mode = load_random(process, 2) == 0 ? 0755 : 0700;

    (void)other;
    if (tree_at(actor, place) != NULL) {
        CALL_FAILS(process, place->path, EEXIST, mkdir(place->path, mode));
        return;
    }
    if (CALL(process, place->path, mkdir(place->path, mode)) == -1)
        return;
    struct tree_object *object = tree_new(actor, TREE_DIRECTORY, -1, place->path);
    load_same(process, "new mode", place->path, object->mode & 07777, mode);
    tree_put(actor, place, object);
}

void tree_make_symlink(struct tree_actor *actor, struct tree_place *place, struct tree_place *other)
{
    struct load_process *process = actor->process;
    char target[32];

    (void)other;
    snprintf(target, sizeof(target), "nowhere%u", ++actor->stamp);
    if (tree_at(actor, place) != NULL) {
        CALL_FAILS(process, place->path, EEXIST, symlink(target, place->path));
        return;
    }
    if (CALL(process, place->path, symlink(target, place->path)) == -1)
        return;
    struct tree_object *object = tree_new(actor, TREE_SYMLINK, -1, place->path);
    object->size = strlen(target);
    memcpy(object->target, target, sizeof(target));
    tree_put(actor, place, object);
}

void tree_link(struct tree_actor *actor, struct tree_place *place, struct tree_place *other)
{
    struct load_process *process = actor->process;
    struct tree_object *object = tree_at(actor, place);
    int error = object == NULL                   ? ENOENT
                : tree_at(actor, other) != NULL  ? EEXIST
                : object->type == TREE_DIRECTORY ? EPERM
                                                 : 0;

    if (!CALL_FAILS(process, other->path, error, link(place->path, other->path)) || error != 0)
        return;
    tree_put(actor, other, object);
    tree_check_attributes(actor, object, -1, other->path);
}

static int rename_error(const struct tree_object *object, const struct tree_object *there,
                        unsigned flags)
{
    if (object == NULL)
        return ENOENT;
    if (there == NULL)
        return flags == RENAME_EXCHANGE ? ENOENT : 0;
    if (flags == RENAME_NOREPLACE)
        return EEXIST;
    if (object == there || flags == RENAME_EXCHANGE)
        return 0;
    if (object->type != TREE_DIRECTORY)
        return there->type == TREE_DIRECTORY ? EISDIR : 0;
    if (there->type != TREE_DIRECTORY)
        return ENOTDIR;
    return there->full ? ENOTEMPTY : 0;
}

void tree_rename(struct tree_actor *actor, struct tree_place *place, struct tree_place *other)
{
    static const unsigned choice[] = { 0, RENAME_NOREPLACE, RENAME_EXCHANGE };
    struct load_process *process = actor->process;
    struct tree_object *object = tree_at(actor, place), *there = tree_at(actor, other);
    unsigned flags = choice[load_random(process, 3)];
    int error = rename_error(object, there, flags);

    if (!CALL_FAILS(process, other->path, error,
                    renameat2(AT_FDCWD, place->path, AT_FDCWD, other->path, flags)) ||
        error != 0 || object == there)
        return;
    if (flags == RENAME_EXCHANGE) {
        // Not put: no object has lost or won a name, and none may be freed.
        int number = place->object;
        place->object = other->object;
        other->object = number;
        tree_check_attributes(actor, there, -1, place->path);
    } else {
        tree_put(actor, other, object);
        tree_put(actor, place, NULL);
    }
    tree_check_attributes(actor, object, -1, other->path);
}

void tree_unlink(struct tree_actor *actor, struct tree_place *place, struct tree_place *other)
{
    const struct tree_object *object = tree_at(actor, place);
    int error = object == NULL ? ENOENT : object->type == TREE_DIRECTORY ? EISDIR : 0;

    (void)other;
    if (CALL_FAILS(actor->process, place->path, error, unlink(place->path)) && error == 0)
        tree_put(actor, place, NULL);
}

void tree_remove_directory(struct tree_actor *actor, struct tree_place *place,
                           struct tree_place *other)
{
    const struct tree_object *object = tree_at(actor, place);
    int error = object == NULL                   ? ENOENT
                : object->type != TREE_DIRECTORY ? ENOTDIR
                : object->full                   ? ENOTEMPTY
                                                 : 0;

    (void)other;
    if (CALL_FAILS(actor->process, place->path, error, rmdir(place->path)) && error == 0)
        tree_put(actor, place, NULL);
}

/* Makes the one entry that a directory may have, or removes it. */
void tree_fill_directory(struct tree_actor *actor, struct tree_place *place,
                         struct tree_place *other)
{
    struct load_process *process = actor->process;
    struct tree_object *object = tree_at(actor, place);
    char path[32];

    (void)other;
    snprintf(path, sizeof(path), "%s/entry", place->path);
    if (object == NULL || object->type != TREE_DIRECTORY) {
        int error = object == NULL || object->type == TREE_SYMLINK ? ENOENT : ENOTDIR;
        CALL_FAILS(process, path, error, mknod(path, S_IFREG | 0644, 0));
        return;
    }
    CALL_FAILS(process, path, object->full ? EEXIST : 0, mknod(path, S_IFREG | 0644, 0));
    if (object->full)
        CALL(process, path, unlink(path));
    object->full = !object->full;
    object->timed = false;
}
