// SPDX-License-Identifier: BSD-2-Clause
// Actions on open files, whether they still have a name or not.
#include "tests/mount/load/tree/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void tree_write(struct tree_actor *actor, struct tree_handle *handle, struct tree_place *place)
{
    struct load_process *process = actor->process;
    struct tree_object *object = handle->object;
    size_t offset = load_random(process, TREE_BYTES);
    size_t count = load_random(process, TREE_BYTES - (unsigned)offset) + 1;

    (void)place;
    tree_scribble(actor, object, offset, count);
    CALL_GIVES(process, "handle", (long)count,
               pwrite(handle->fd, object->bytes + offset, count, (off_t)offset));
    tree_check_attributes(actor, object, handle->fd, "handle");
}

void tree_resize(struct tree_actor *actor, struct tree_handle *handle, struct tree_place *place)
{
    size_t size = load_random(actor->process, TREE_BYTES + 1);

    (void)place;
    if (CALL(actor->process, "handle", ftruncate(handle->fd, (off_t)size)) == 0)
        tree_set_size(handle->object, size);
    tree_check_attributes(actor, handle->object, handle->fd, "handle");
}

void tree_allocate(struct tree_actor *actor, struct tree_handle *handle, struct tree_place *place)
{
    static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE,
                                 FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE };
    struct load_process *process = actor->process;
    struct tree_object *object = handle->object;
    size_t offset = load_random(process, TREE_BYTES);
    size_t count = load_random(process, TREE_BYTES - (unsigned)offset) + 1;
    int mode = modes[load_random(process, 3)];

    (void)place;
    if (CALL(process, "handle", fallocate(handle->fd, mode, (off_t)offset, (off_t)count)) == -1)
        return;
    object->timed = false;
    if (mode == 0 && offset + count > object->size)
        tree_set_size(object, offset + count);
    if ((mode & FALLOC_FL_PUNCH_HOLE) != 0)
        memset(object->bytes + offset, 0, count);
    tree_check_attributes(actor, object, handle->fd, "handle");
    tree_check_bytes(actor, object, handle->fd, "handle");
}

/* Reads the whole file through a mapping, and writes to it. */
void tree_map(struct tree_actor *actor, struct tree_handle *handle, struct tree_place *place)
{
    struct load_process *process = actor->process;
    struct tree_object *object = handle->object;
    size_t size = object->size;
    void *address;

    (void)place;
    if (size == 0)
        return;
    if (CALL(process, "mapping",
             address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, handle->fd, 0)) == -1)
        return;
    load_same_bytes(process, "mapped contents", "handle", address, object->bytes, size);
    size_t offset = load_random(process, (unsigned)size);
    size_t count = load_random(process, (unsigned)(size - offset)) + 1;
    tree_scribble(actor, object, offset, count);
    memcpy((unsigned char *)address + offset, object->bytes + offset, count);
    // Data that is written back later would change the modification time at an unknown moment.
    CALL(process, "mapping", msync(address, size, MS_SYNC));
    tree_check_bytes(actor, object, handle->fd, "handle");
    CALL(process, "mapping", munmap(address, size));
}

void tree_sync(struct tree_actor *actor, struct tree_handle *handle, struct tree_place *place)
{
    (void)place;
    // Syncs to the disk only now and then: it is slow.
    if (load_random(actor->process, 4) == 0)
        CALL(actor->process, "handle", fsync(handle->fd));
    else
        CALL(actor->process, "handle", fdatasync(handle->fd));
}

void tree_compare(struct tree_actor *actor, struct tree_handle *handle, struct tree_place *place)
{
    (void)place;
    tree_check_attributes(actor, handle->object, handle->fd, "handle");
    tree_check_bytes(actor, handle->object, handle->fd, "handle");
}

/* Gives an open file a name, or one more. */
void tree_name_handle(struct tree_actor *actor, struct tree_handle *handle,
                      struct tree_place *place)
{
    struct load_process *process = actor->process;
    struct tree_object *object = handle->object;
    int error = tree_at(actor, place) != NULL             ? EEXIST
                : object->names == 0 && !object->linkable ? ENOENT
                                                          : 0;
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", handle->fd);
    if (!CALL_FAILS(process, place->path, error,
                    linkat(AT_FDCWD, path, AT_FDCWD, place->path, AT_SYMLINK_FOLLOW)) ||
        error != 0)
        return;
    object->linkable = false;
    tree_put(actor, place, object);
    tree_check_attributes(actor, object, -1, place->path);
}

void tree_release(struct tree_actor *actor, struct tree_handle *handle, struct tree_place *place)
{
    (void)place;
    tree_compare(actor, handle, place);
    tree_close_handle(actor, handle);
}
