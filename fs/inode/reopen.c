// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/reopen.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fs/inode/deferred_close.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

_Static_assert(NODE_HANDLE_MAX == OBJECT_HANDLE_MAX, "a node keeps an object's handle");

#define NAME_MAX_BYTES (NODE_HANDLE_MAX - sizeof(uint64_t))

enum answer {
    UNKNOWN,
    NO,
    YES,
};

struct name_records {
    // They have the rank LOCK_NAMES. One is held for writing while a name and the table's record of
    // it change together. The store, which may not answer, has another one than RAM.
    pthread_rwlock_t store, ram;
    // Says whether handles open files without a name.
    _Atomic enum answer without_name[AREAS];
};

int reopen_init(struct volume *volume)
{
    struct name_records *names = calloc(1, sizeof(*names));

    if (!names)
        return -ENOMEM;
    pthread_rwlock_init(&names->store, NULL);
    pthread_rwlock_init(&names->ram, NULL);
    volume->names = names;
    return 0;
}

void reopen_destroy(struct volume *volume)
{
    free(volume->names);
    volume->names = NULL;
}

static pthread_rwlock_t *lock_of(const struct volume *volume, unsigned area)
{
    return area_kind(area)->is_memory ? &volume->names->ram : &volume->names->store;
}

static void by_name(uint64_t parent, const char *name, struct node_handle *handle)
{
    size_t length = strlen(name);

    if (length > NAME_MAX_BYTES)
        length = 0; // opening the node then searches the directory
    handle->type = NODE_BY_NAME;
    handle->length = (uint8_t)(sizeof(parent) + length);
    memcpy(handle->bytes, &parent, sizeof(parent));
    memcpy(handle->bytes + sizeof(parent), name, length);
}

void reopen_handle_of(struct volume *volume, const struct node_ref *parent, const char *name,
                      int fd, const struct statx *stx, struct node_handle *handle)
{
    struct object_handle object;

    handle->length = 0;
    if (!volume_area(volume, parent->area)->handles) {
        if (name && (stx->stx_nlink == 1 || S_ISDIR(stx->stx_mode)))
            by_name(parent->id, name, handle);
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

/* Opens a node in its directory. The name is in the handle, or is searched for. */
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

/* Opens a node in its directory, and makes sure that it is still the same. */
static int open_same(int dir, const struct node_ref *ref)
{
    CLEANUP_FD int fd = open_in(dir, ref);
    struct statx stx;

    if (fd < 0)
        return fd;
    if (object_stat(fd, &stx) != 0 || stx.stx_ino != ref->ino || object_birth(&stx) != ref->birth)
        return -ESTALE;
    return steal_fd(&fd);
}

/* The directories on the way to a node, from the lowest up. A tree may be deep: they take no room
 * on the stack. */
struct way {
    uint64_t *ids;
    size_t count, room;
};

static int add_to_way(struct way *way, uint64_t id)
{
    size_t room = way->room ? 2 * way->room : 16;
    uint64_t *ids;

    if (way->count == way->room) {
        ids = room <= NODE_CAPACITY_MAX ? reallocarray(way->ids, room, sizeof(*ids)) : NULL;
        if (!ids)
            return -ENOMEM;
        way->ids = ids;
        way->room = room;
    }
    way->ids[way->count++] = id;
    return 0;
}

static void end_use(struct volume *volume, struct node_ref *ref)
{
    struct node_resources leftover;

    node_end(&volume->nodes, ref, &leftover);
    resources_close(volume, &leftover);
}

/* Goes up to the next directory that has a descriptor, which it keeps while it is in use. Returns 0
 * with `top` in use, or a negative errno. */
static int go_up(struct volume *volume, struct node_handle handle, struct way *way,
                 struct node_ref *top)
{
    uint64_t id;
    int error;

    for (;;) {
        if (handle.length < sizeof(id))
            return -ESTALE;
        memcpy(&id, handle.bytes, sizeof(id));
        if (!node_use(&volume->nodes, id, top))
            return -ESTALE;
        if (top->held.path_fd >= 0)
            return 0;
        handle = top->handle;
        end_use(volume, top);
        error = add_to_way(way, id);
        if (error)
            return error;
    }
}

static int duplicate(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    return copy < 0 ? -errno : copy;
}

/* Opens the directories of a way from above. Returns the last one's descriptor, or a negative
 * errno. None on the way is kept. */
static int go_down(struct volume *volume, const struct way *way, int top)
{
    int dir = top;

    for (size_t i = way->count; i-- > 0;) {
        struct node_ref ref;
        int next = -ESTALE;

        if (node_use(&volume->nodes, way->ids[i], &ref)) {
            // Another thread may have given it one meanwhile.
            next = ref.held.path_fd >= 0 ? duplicate(ref.held.path_fd) : open_same(dir, &ref);
            end_use(volume, &ref);
        }
        if (dir != top)
            close(dir);
        if (next < 0)
            return next;
        dir = next;
    }
    return dir;
}

/* Opens a node by its name, after the directories that lead there, if need be. */
static int open_named(struct volume *volume, const struct node_ref *ref)
{
    struct way way = { .ids = NULL };
    struct node_ref top;
    int fd = go_up(volume, ref->handle, &way, &top);
    int dir;

    if (fd == 0) {
        dir = go_down(volume, &way, top.held.path_fd);
        fd = dir < 0 ? dir : open_same(dir, ref);
        if (dir >= 0 && dir != top.held.path_fd)
            close(dir);
        end_use(volume, &top);
    }
    free(way.ids);
    return fd;
}

int reopen_node(struct volume *volume, const struct node_ref *ref)
{
    struct node_ref now = *ref;
    int fd;

    if (ref->handle.length == 0)
        return -ESTALE;
    if (ref->handle.type != NODE_BY_NAME)
        return open_object(volume_area(volume, ref->area), &ref->handle);
    lock_note_taken(LOCK_NAMES, true);
    pthread_rwlock_rdlock(lock_of(volume, ref->area));
    // The node may have been renamed since the reference was taken.
    node_handle_now(&volume->nodes, ref, &now.handle);
    fd = now.handle.length ? open_named(volume, &now) : -ESTALE;
    pthread_rwlock_unlock(lock_of(volume, ref->area));
    lock_note_released(LOCK_NAMES);
    return fd;
}

static bool are_equal(const struct node_handle *one, const struct node_handle *other)
{
    return one->type == other->type && one->length == other->length &&
           memcmp(one->bytes, other->bytes, one->length) == 0;
}

void reopen_part(struct volume *volume, const struct node_seed *seed)
{
    struct node_handle now;
    struct node_ref ref;

    // Names change; a handle is of one object alone.
    if (seed->handle.length == 0 || seed->handle.type == NODE_BY_NAME ||
        !node_use_key(&volume->nodes, &seed->key, &ref))
        return;
    node_handle_now(&volume->nodes, &ref, &now);
    if (now.length > 0 && !are_equal(&now, &seed->handle))
        node_unlinked(&volume->nodes, &ref);
    end_use(volume, &ref);
}

void reopen_follow(struct volume *volume, struct node_ref *ref, const struct node_seed *seed,
                   int fd)
{
    struct node_handle now;

    // The contents of a class root are in this host's RAM.
    if (ref->area != AREA_STORE || (ref->flags & NODE_CLASS_ROOT))
        return;
    // Requests may be using the number.
    if (fd >= 0)
        dup3(fd, ref->held.path_fd, O_CLOEXEC);
    node_handle_now(&volume->nodes, ref, &now);
    if (seed->handle.length == 0 || are_equal(&now, &seed->handle))
        return;
    reopen_begin_rename(volume, ref->area);
    node_set_handle(&volume->nodes, ref, &seed->handle);
    reopen_end_rename(volume, ref->area);
}

/* Tries whether its handle opens a node, which has no name. */
static enum answer try_without_name(struct volume *volume, const struct node_ref *ref)
{
    struct node_handle handle;
    CLEANUP_FD int fd = -1;
    struct statx stx;

    node_handle_now(&volume->nodes, ref, &handle);
    if (handle.length == 0)
        return UNKNOWN;
    fd = open_object(volume_area(volume, ref->area), &handle);
    if (fd < 0)
        return fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM ? UNKNOWN : NO;
    return object_stat(fd, &stx) == 0 && stx.stx_ino == ref->ino && object_birth(&stx) == ref->birth
               ? YES
               : NO;
}

bool reopen_without_name(struct volume *volume, const struct node_ref *ref)
{
    _Atomic enum answer *known = &volume->names->without_name[ref->area];

    if (!volume_area(volume, ref->area)->handles)
        return false;
    if (*known == UNKNOWN)
        *known = try_without_name(volume, ref);
    return *known == YES;
}

void reopen_never(struct volume *volume, struct node_ref *ref)
{
    if (!volume_area(volume, ref->area)->handles)
        node_set_handle(&volume->nodes, ref, &(struct node_handle){ .length = 0 });
}

void reopen_begin_rename(struct volume *volume, unsigned area)
{
    lock_note_taken(LOCK_NAMES, true);
    pthread_rwlock_wrlock(lock_of(volume, area));
}

void reopen_end_rename(struct volume *volume, unsigned area)
{
    pthread_rwlock_unlock(lock_of(volume, area));
    lock_note_released(LOCK_NAMES);
}

void reopen_record_name(struct volume *volume, struct node_ref *ref,
                        const struct node_ref *directory, const char *name)
{
    struct node_handle handle;

    by_name(directory->id, name, &handle);
    node_set_handle(&volume->nodes, ref, &handle);
}
