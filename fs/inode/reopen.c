// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/reopen.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/sys/cleanup.h"
#include "lib/object/object.h"

_Static_assert(NODE_HANDLE_MAX == OBJECT_HANDLE_MAX, "a node keeps an object's handle");

/* About as many as a path can have. */
#define LEVELS_MAX 2048

#define NAME_MAX_BYTES (NODE_HANDLE_MAX - sizeof(uint64_t))

static void by_name(uint64_t parent, const char *name, struct node_handle *handle)
{
    size_t length = strlen(name);

    if (length > NAME_MAX_BYTES)
        length = 0; // then the directory is searched for it
    handle->type = NODE_BY_NAME;
    handle->length = (uint8_t)(sizeof(parent) + length);
    memcpy(handle->bytes, &parent, sizeof(parent));
    memcpy(handle->bytes + sizeof(parent), name, length);
}

void handle_of(const struct inode *parent, const char *name, int fd, const struct statx *stx,
               struct node_handle *handle)
{
    struct object_handle object;

    handle->length = 0;
    if (!inode_area(parent)->handles) {
        if (name && (stx->stx_nlink == 1 || S_ISDIR(stx->stx_mode)))
            by_name(parent->ref.id, name, handle);
    } else if (object_handle_of(fd, &object) == 0) {
        handle->type = object.type;
        handle->length = object.length;
        memcpy(handle->bytes, object.bytes, object.length);
    }
}

static int open_object(const struct area *area, const struct node_handle *handle)
{
    struct object_handle object = { .type = handle->type, .length = handle->length };

    memcpy(object.bytes, handle->bytes, handle->length);
    return object_open(area->root, &object, O_PATH);
}

static bool has_number(const struct dirent64 *entry, const void *ino)
{
    return entry->d_ino == *(const uint64_t *)ino;
}

/* Opens what has a name in a directory. The name is in the handle, or has to be looked for. */
static int open_in(int dir, const struct node_ref *ref)
{
    size_t length = ref->handle.length - sizeof(uint64_t);
    char name[NAME_MAX + 1];
    int found = 1;
    int fd;

    memcpy(name, ref->handle.bytes + sizeof(uint64_t), length);
    name[length] = '\0';
    if (length == 0)
        found = object_find_entry(dir, has_number, &ref->ino, name);
    if (found <= 0)
        return found == 0 ? -ESTALE : found;
    fd = object_open_in(dir, name);
    return fd == -ENOENT || fd == -ENOTDIR ? -ESTALE : fd;
}

/* Opens a node by its name, and before it, if need be, the directories that lead there: at most
 * `levels` of them, for each takes room on the stack. */
static int open_named(struct mount *mount, const struct node_ref *ref, int levels)
{
    struct inode parent = { .mount = mount };
    CLEANUP_FD int parent_fd = -1;
    CLEANUP_FD int fd = -1;
    struct statx stx;
    uint64_t id;

    if (levels == 0)
        return -ELOOP;
    if (ref->handle.length < sizeof(id))
        return -ESTALE;
    memcpy(&id, ref->handle.bytes, sizeof(id));
    if (!node_use(&mount->nodes, id, &parent.ref))
        return -ESTALE;
    // The directory's own descriptor stays as long as it is in use; one that is opened on the way
    // is not kept.
    parent.fd = parent.ref.held.path_fd;
    if (parent.fd < 0)
        parent.fd = parent_fd = open_named(mount, &parent.ref, levels - 1);
    fd = parent.fd < 0 ? parent.fd : open_in(parent.fd, ref);
    inode_release(&parent);
    if (fd < 0)
        return fd;
    if (object_stat(fd, &stx) != 0 || stx.stx_ino != ref->ino || object_birth(&stx) != ref->birth)
        return -ESTALE;
    return steal_fd(&fd);
}

int handle_open(struct mount *mount, const struct node_ref *ref)
{
    struct node_ref now = *ref;
    int fd;

    if (ref->handle.length == 0)
        return -ESTALE;
    if (ref->handle.type != NODE_BY_NAME)
        return open_object(&mount->facts.areas[ref->area], &ref->handle);
    pthread_rwlock_rdlock(&mount->names);
    // It may have been renamed since the reference was taken.
    node_handle_now(&mount->nodes, ref, &now.handle);
    fd = now.handle.length ? open_named(mount, &now, LEVELS_MAX) : -ESTALE;
    pthread_rwlock_unlock(&mount->names);
    return fd;
}

void handle_keep_descriptor(struct inode *inode)
{
    if (!inode_area(inode)->handles)
        node_set_handle(&inode->mount->nodes, &inode->ref, &(struct node_handle){ .length = 0 });
}

/* What a name stands for, with its descriptor, if the kernel knows it and it is known to us by
 * name. */
static int named_node(struct inode *dir, const char *name, struct inode *inode)
{
    struct node_handle handle;
    struct statx stx;
    int error = inode_of_name(dir, name, inode, &stx);

    if (error || !inode->mount)
        return error;
    node_handle_now(&dir->mount->nodes, &inode->ref, &handle);
    if (handle.length == 0)
        inode_release(inode);
    return 0;
}

static void record_name(struct inode *inode, const struct inode *dir, const char *name)
{
    struct node_handle handle;

    if (!inode->mount)
        return;
    by_name(dir->ref.id, name, &handle);
    node_set_handle(&inode->mount->nodes, &inode->ref, &handle);
}

static int rename_recorded(struct inode *from, const char *name, struct inode *to,
                           const char *new_name, unsigned flags)
{
    struct mount *mount = from->mount;
    INODE struct inode moved = INODE_NONE;
    INODE struct inode exchanged = INODE_NONE;
    // With their descriptors, which they must keep if their new names are too long. The kernel
    // keeps the names from changing meanwhile.
    int error = named_node(from, name, &moved);

    if (!error && (flags & RENAME_EXCHANGE))
        error = named_node(to, new_name, &exchanged);
    if (error)
        return error;
    pthread_rwlock_wrlock(&mount->names);
    error = renameat2(from->fd, name, to->fd, new_name, flags) == 0 ? 0 : -errno;
    if (!error) {
        record_name(&moved, to, new_name);
        record_name(&exchanged, from, name);
    }
    pthread_rwlock_unlock(&mount->names);
    return error;
}

/* Brings the record of a node up to date whose name has changed. It is not opened: the name that is
 * recorded leads to it no more. */
static void record_again(const struct node_key *key, struct inode *dir, const char *name)
{
    struct mount *mount = dir->mount;
    INODE struct inode inode = INODE_NONE;
    struct node_handle handle;

    if (!node_use_key(&mount->nodes, key, &inode.ref))
        return;
    inode.mount = mount;
    node_handle_now(&mount->nodes, &inode.ref, &handle);
    if (handle.length > 0)
        record_name(&inode, dir, name);
}

void handle_renamed(struct inode *from, const char *name, struct inode *to, const char *new_name,
                    unsigned flags, const struct node_key *source, const struct node_key *target)
{
    struct mount *mount = from->mount;

    if (inode_area(from)->handles)
        return;
    pthread_rwlock_wrlock(&mount->names);
    record_again(source, to, new_name);
    if (flags & RENAME_EXCHANGE)
        record_again(target, from, name);
    pthread_rwlock_unlock(&mount->names);
}

int handle_rename(struct inode *from, const char *name, struct inode *to, const char *new_name,
                  unsigned flags)
{
    if (!inode_area(from)->handles)
        return rename_recorded(from, name, to, new_name, flags);
    return renameat2(from->fd, name, to->fd, new_name, flags) == 0 ? 0 : -errno;
}
