// SPDX-License-Identifier: BSD-2-Clause
// Actions that change contents and attributes by a name.
#include "tests/mount/load/tree/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define TAG "user.tag"

int tree_open_error(const struct tree_object *object)
{
    if (object == NULL)
        return ENOENT;
    return object->type == TREE_DIRECTORY ? EISDIR : object->type == TREE_SYMLINK ? ELOOP : 0;
}

void tree_set_size(struct tree_object *object, size_t size)
{
    if (size < object->size)
        memset(object->bytes + size, 0, object->size - size);
    object->size = size;
    object->timed = false;
}

void tree_scribble(struct tree_actor *actor, struct tree_object *object, size_t offset,
                   size_t count)
{
    for (size_t i = 0; i < count; i++)
        object->bytes[offset + i] = (unsigned char)load_random(actor->process, 256);
    if (offset + count > object->size)
        object->size = offset + count;
    object->timed = false;
}

void tree_check_attributes(struct tree_actor *actor, const struct tree_object *object, int fd,
                           const char *path)
{
    struct load_process *process = actor->process;
    struct stat attr;

    if (fd != -1 ? CALL(process, path, fstat(fd, &attr)) : CALL(process, path, lstat(path, &attr)))
        return;
    load_same(process, "inode", path, (int64_t)attr.st_ino, (int64_t)object->ino);
    load_same(process, "mode", path, attr.st_mode, object->mode);
    if (object->type != TREE_DIRECTORY) {
        load_same(process, "links", path, (int64_t)attr.st_nlink, object->names);
        load_same(process, "size", path, attr.st_size, (int64_t)object->size);
    }
    if (object->timed) {
        load_same(process, "modification", path, attr.st_mtim.tv_sec, object->mtime.tv_sec);
        load_same(process, "nanosecond", path, attr.st_mtim.tv_nsec, object->mtime.tv_nsec);
    }
}

void tree_check_bytes(struct tree_actor *actor, const struct tree_object *object, int fd,
                      const char *path)
{
    unsigned char bytes[TREE_BYTES + 1];

    if (CALL_GIVES(actor->process, path, (long)object->size, pread(fd, bytes, sizeof(bytes), 0)))
        load_same_bytes(actor->process, "contents", path, bytes, object->bytes, object->size);
}

void tree_check_tag(struct tree_actor *actor, const struct tree_object *object, const char *path)
{
    char value[32] = "";

    if (object->tag == 0 || object->type == TREE_SYMLINK) {
        CALL_FAILS(actor->process, path, ENODATA, lgetxattr(path, TAG, value, sizeof(value)));
        return;
    }
    CALL(actor->process, path, lgetxattr(path, TAG, value, sizeof(value) - 1));
    load_same(actor->process, "tag", path, atoi(value), object->tag);
}

/* Everything about a place. */
void tree_look(struct tree_actor *actor, struct tree_place *place, struct tree_place *other)
{
    struct load_process *process = actor->process;
    const struct tree_object *object = tree_at(actor, place);
    struct stat attr;

    (void)other;
    if (object == NULL) {
        CALL_FAILS(process, place->path, ENOENT, lstat(place->path, &attr));
        return;
    }
    tree_check_attributes(actor, object, -1, place->path);
    tree_check_tag(actor, object, place->path);
    if (object->type != TREE_FILE)
        return;
    int fd = (int)CALL(process, place->path, open(place->path, O_RDONLY | O_CLOEXEC));
    if (fd == -1)
        return;
    tree_check_bytes(actor, object, fd, place->path);
    CALL(process, place->path, close(fd));
}

void tree_read_link(struct tree_actor *actor, struct tree_place *place, struct tree_place *other)
{
    struct load_process *process = actor->process;
    const struct tree_object *object = tree_at(actor, place);
    char target[64];

    (void)other;
    if (object == NULL || object->type != TREE_SYMLINK) {
        int error = object == NULL ? ENOENT : EINVAL;
        CALL_FAILS(process, place->path, error, readlink(place->path, target, sizeof(target)));
        return;
    }
    if (CALL_GIVES(process, place->path, (long)object->size,
                   readlink(place->path, target, sizeof(target))))
        load_same_bytes(process, "target", place->path, target, object->target, object->size);
}

/* Opens a file, or holds the call to its failure and returns -1. */
static int open_place(struct tree_actor *actor, const struct tree_place *place, int flags)
{
    int error = tree_open_error(tree_at(actor, place));

    flags |= O_NOFOLLOW | O_CLOEXEC;
    if (error == 0)
        return (int)CALL(actor->process, place->path, open(place->path, flags));
    CALL_FAILS(actor->process, place->path, error, open(place->path, flags));
    return -1;
}

void tree_truncate(struct tree_actor *actor, struct tree_place *place, struct tree_place *other)
{
    struct load_process *process = actor->process;
    struct tree_object *object = tree_at(actor, place);
    size_t size = load_random(process, TREE_BYTES + 1);

    (void)other;
    if (load_random(process, 2) == 0) {
        int fd = open_place(actor, place, O_WRONLY | O_TRUNC);
        if (fd == -1)
            return;
        CALL(process, place->path, close(fd));
        size = 0;
    } else {
        // This follows links, which lead nowhere.
        int error = object == NULL || object->type == TREE_SYMLINK ? ENOENT
                    : object->type == TREE_DIRECTORY               ? EISDIR
                                                                   : 0;
        if (!CALL_FAILS(process, place->path, error, truncate(place->path, (off_t)size)) ||
            error != 0)
            return;
    }
    tree_set_size(object, size);
    tree_check_attributes(actor, object, -1, place->path);
}

void tree_append(struct tree_actor *actor, struct tree_place *place, struct tree_place *other)
{
    struct load_process *process = actor->process;
    struct tree_object *object = tree_at(actor, place);
    int fd = open_place(actor, place, O_WRONLY | O_APPEND);

    (void)other;
    if (fd == -1)
        return;
    size_t offset = object->size;
    size_t count = load_random(process, 1000);
    if (offset + count <= TREE_BYTES) {
        tree_scribble(actor, object, offset, count);
        CALL_GIVES(process, place->path, (long)count, write(fd, object->bytes + offset, count));
    }
    CALL(process, place->path, close(fd));
}

static void copy_between(struct tree_actor *actor, const struct tree_object *source, int from,
                         struct tree_object *target, int to)
{
    struct load_process *process = actor->process;
    size_t offset = load_random(process, TREE_BYTES), to_offset = load_random(process, TREE_BYTES);
    size_t count = load_random(process, TREE_BYTES - (unsigned)to_offset) + 1;
    off_t from_at = (off_t)offset, to_at = (off_t)to_offset;

    size_t there = offset < source->size ? source->size - offset : 0;
    size_t wanted = count < there ? count : there;
    if (!CALL_GIVES(process, "copy", (long)wanted,
                    copy_file_range(from, &from_at, to, &to_at, count, 0)))
        return;
    if (wanted == 0)
        return;
    memcpy(target->bytes + to_offset, source->bytes + offset, wanted);
    if (to_offset + wanted > target->size)
        target->size = to_offset + wanted;
    target->timed = false;
}

void tree_copy(struct tree_actor *actor, struct tree_place *place, struct tree_place *other)
{
    struct load_process *process = actor->process;
    struct tree_object *source = tree_at(actor, place), *target = tree_at(actor, other);

    // Ranges of one file may not overlap.
    if (source == target)
        return;
    int from = open_place(actor, place, O_RDWR);
    int to = open_place(actor, other, O_RDWR);
    if (from != -1 && to != -1) {
        copy_between(actor, source, from, target, to);
        tree_check_bytes(actor, target, to, other->path);
    }
    if (from != -1)
        CALL(process, place->path, close(from));
    if (to != -1)
        CALL(process, other->path, close(to));
}

void tree_change_mode(struct tree_actor *actor, struct tree_place *place, struct tree_place *other)
{
    static const mode_t modes[] = { 0600, 0640, 0666, 0700, 0755, 0777 };
    struct tree_object *object = tree_at(actor, place);
    mode_t mode = modes[load_random(actor->process, 6)];
    // This follows links, which lead nowhere; and a directory stays open to its owner.
    int error = object == NULL || object->type == TREE_SYMLINK ? ENOENT : 0;

    (void)other;
    if (object != NULL && object->type == TREE_DIRECTORY)
        mode |= 0700;
    if (!CALL_FAILS(actor->process, place->path, error, chmod(place->path, mode)) || error != 0)
        return;
    object->mode = (object->mode & S_IFMT) | mode;
    tree_check_attributes(actor, object, -1, place->path);
}

void tree_change_times(struct tree_actor *actor, struct tree_place *place, struct tree_place *other)
{
    struct load_process *process = actor->process;
    struct tree_object *object = tree_at(actor, place);
    struct timespec times[2] = {
        { .tv_nsec = UTIME_OMIT },
        { .tv_sec = load_random(process, 1000000000), .tv_nsec = load_random(process, 1000000000) },
    };
    int error = object == NULL ? ENOENT : 0;

    (void)other;
    if (!CALL_FAILS(process, place->path, error,
                    utimensat(AT_FDCWD, place->path, times, AT_SYMLINK_NOFOLLOW)) ||
        error != 0)
        return;
    object->timed = true;
    object->mtime = times[1];
    tree_check_attributes(actor, object, -1, place->path);
}

static void remove_tag(struct tree_actor *actor, struct tree_object *object, const char *path)
{
    int error = object->type == TREE_SYMLINK ? EPERM : object->tag == 0 ? ENODATA : 0;

    if (CALL_FAILS(actor->process, path, error, lremovexattr(path, TAG)))
        object->tag = 0;
}

void tree_change_tag(struct tree_actor *actor, struct tree_place *place, struct tree_place *other)
{
    static const int choice[] = { 0, XATTR_CREATE, XATTR_REPLACE };
    struct load_process *process = actor->process;
    struct tree_object *object = tree_at(actor, place);
    unsigned tag = ++actor->stamp;
    int flags = choice[load_random(process, 3)];
    char value[32];
    size_t length = (size_t)snprintf(value, sizeof(value), "%u", tag);

    (void)other;
    if (object != NULL && load_random(process, 3) == 0) {
        remove_tag(actor, object, place->path);
        return;
    }
    int error = object == NULL                               ? ENOENT
                : object->type == TREE_SYMLINK               ? EPERM
                : flags == XATTR_CREATE && object->tag != 0  ? EEXIST
                : flags == XATTR_REPLACE && object->tag == 0 ? ENODATA
                                                             : 0;
    if (CALL_FAILS(process, place->path, error,
                   lsetxattr(place->path, TAG, value, length, flags)) &&
        error == 0)
        object->tag = tag;
    if (object != NULL)
        tree_check_tag(actor, object, place->path);
}
