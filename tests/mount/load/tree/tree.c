// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/load/tree/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

void tree_init(struct tree *tree)
{
    init_lock(&tree->lock);
    for (int i = 0; i < TREE_OBJECTS; i++)
        init_lock(&tree->objects[i].lock);
    for (int i = 0; i < TREE_PLACES; i++) {
        struct tree_place *place = &tree->places[i];
        init_lock(&place->lock);
        place->object = NO_OBJECT;
        snprintf(place->path, sizeof(place->path), "d%d/n%d", i / TREE_NAMES, i % TREE_NAMES);
    }
}

void tree_make(struct load_process *process)
{
    char path[16];

    for (int i = 0; i < TREE_DIRECTORIES; i++) {
        snprintf(path, sizeof(path), "d%d", i);
        CALL(process, path, mkdir(path, 0755));
    }
}

struct tree_actor *tree_actor_new(struct load_process *process, struct tree *tree)
{
    struct tree_actor *actor = calloc(1, sizeof(*actor));

    if (actor == NULL)
        _exit(EXIT_FAILURE);
    actor->process = process;
    actor->tree = tree;
    for (int i = 0; i < TREE_HANDLES; i++)
        actor->handles[i].fd = -1;
    return actor;
}

struct tree_object *tree_at(const struct tree_actor *actor, const struct tree_place *place)
{
    return place->object == NO_OBJECT ? NULL : &actor->tree->objects[place->object];
}

static struct tree_object *take_unused(struct tree *tree)
{
    pthread_mutex_lock(&tree->lock);
    for (int i = 0; i < TREE_OBJECTS; i++) {
        struct tree_object *object = &tree->objects[i];
        if (object->used)
            continue;
        object->used = true;
        pthread_mutex_unlock(&tree->lock);
        return object;
    }
    fprintf(stderr, "the model has too few objects\n");
    _exit(EXIT_FAILURE);
}

struct tree_object *tree_new(struct tree_actor *actor, enum tree_type type, int fd,
                             const char *path)
{
    static const mode_t formats[] = {
        [TREE_FILE] = S_IFREG, [TREE_SYMLINK] = S_IFLNK, [TREE_DIRECTORY] = S_IFDIR
    };
    struct tree_object *object = take_unused(actor->tree);
    struct stat attr = { 0 };

    if (fd != -1)
        CALL(actor->process, path, fstat(fd, &attr));
    else
        CALL(actor->process, path, lstat(path, &attr));
    load_same(actor->process, "format", path, attr.st_mode & S_IFMT, formats[type]);
    object->type = type;
    object->names = object->handles = 0;
    object->linkable = object->timed = object->full = false;
    object->mode = attr.st_mode;
    object->ino = attr.st_ino;
    object->size = 0;
    object->tag = 0;
    memset(object->bytes, 0, sizeof(object->bytes));
    return object;
}

static void free_unused(struct tree *tree, struct tree_object *object)
{
    if (object->names != 0 || object->handles != 0)
        return;
    pthread_mutex_lock(&tree->lock);
    object->used = false;
    pthread_mutex_unlock(&tree->lock);
}

void tree_put(struct tree_actor *actor, struct tree_place *place, struct tree_object *object)
{
    struct tree_object *before = tree_at(actor, place);

    place->object = object == NULL ? NO_OBJECT : (int)(object - actor->tree->objects);
    if (object != NULL)
        object->names++;
    if (before != NULL) {
        before->names--;
        free_unused(actor->tree, before);
    }
}

void tree_keep(struct tree_actor *actor, struct tree_object *object, int fd)
{
    for (int i = 0; i < TREE_HANDLES; i++) {
        if (actor->handles[i].fd == -1) {
            object->handles++;
            actor->handles[i] = (struct tree_handle){ fd, object };
            return;
        }
    }
    CALL(actor->process, "handle", close(fd));
    free_unused(actor->tree, object);
}

void tree_close_handle(struct tree_actor *actor, struct tree_handle *handle)
{
    CALL(actor->process, "handle", close(handle->fd));
    handle->fd = -1;
    handle->object->handles--;
    free_unused(actor->tree, handle->object);
}

static void sort(uintptr_t *first, uintptr_t *second)
{
    uintptr_t before = *first;

    if (*first > *second) {
        *first = *second;
        *second = before;
    }
}

/* Two locks, of which either may be NULL and both the same, in the one order that all keep to. */
static void lock_two(pthread_mutex_t *one, pthread_mutex_t *other)
{
    uintptr_t first = (uintptr_t)one, second = (uintptr_t)other;

    sort(&first, &second);
    if (first != 0)
        pthread_mutex_lock((pthread_mutex_t *)first);
    if (second != 0 && second != first)
        pthread_mutex_lock((pthread_mutex_t *)second);
}

static void unlock_two(pthread_mutex_t *one, pthread_mutex_t *other)
{
    if (one != NULL)
        pthread_mutex_unlock(one);
    if (other != NULL && other != one)
        pthread_mutex_unlock(other);
}

static void act_on_places(struct tree_actor *actor)
{
    static tree_action *const actions[] = {
        tree_create,
        tree_create,
        tree_create,
        tree_open,
        tree_create_nameless,
        tree_make_directory,
        tree_make_directory,
        tree_make_symlink,
        tree_link,
        tree_link,
        tree_rename,
        tree_rename,
        tree_rename,
        tree_unlink,
        tree_unlink,
        tree_remove_directory,
        tree_fill_directory,
        tree_fill_directory,
        tree_truncate,
        tree_append,
        tree_copy,
        tree_look,
        tree_look,
        tree_read_link,
        tree_change_mode,
        tree_change_times,
        tree_change_tag,
        tree_change_tag,
    };
    struct load_process *process = actor->process;
    struct tree_place *place = &actor->tree->places[load_random(process, TREE_PLACES)];
    struct tree_place *other = &actor->tree->places[load_random(process, TREE_PLACES)];

    lock_two(&place->lock, &other->lock);
    struct tree_object *here = tree_at(actor, place), *there = tree_at(actor, other);
    pthread_mutex_t *one = here == NULL ? NULL : &here->lock;
    pthread_mutex_t *two = there == NULL ? NULL : &there->lock;
    lock_two(one, two);
    actions[load_random(process, sizeof(actions) / sizeof(actions[0]))](actor, place, other);
    unlock_two(one, two);
    unlock_two(&place->lock, &other->lock);
}

static void act_on_handle(struct tree_actor *actor)
{
    static tree_handle_action *const actions[] = {
        tree_write, tree_write,   tree_resize,      tree_allocate, tree_map,
        tree_sync,  tree_compare, tree_name_handle, tree_release,
    };
    struct load_process *process = actor->process;
    struct tree_handle *handle = &actor->handles[load_random(process, TREE_HANDLES)];
    struct tree_place *place = &actor->tree->places[load_random(process, TREE_PLACES)];

    if (handle->fd == -1)
        return;
    pthread_mutex_lock(&place->lock);
    struct tree_object *there = tree_at(actor, place);
    pthread_mutex_t *one = &handle->object->lock, *two = there == NULL ? NULL : &there->lock;
    lock_two(one, two);
    actions[load_random(process, sizeof(actions) / sizeof(actions[0]))](actor, handle, place);
    unlock_two(one, two);
    pthread_mutex_unlock(&place->lock);
}

/* An entry of a directory whose places are locked. Returns which of its names it is, or -1. */
static int check_entry(struct tree_actor *actor, int directory, const struct dirent *entry)
{
    static const unsigned char types[] = {
        [TREE_FILE] = DT_REG, [TREE_SYMLINK] = DT_LNK, [TREE_DIRECTORY] = DT_DIR
    };
    struct load_process *process = actor->process;
    int number = entry->d_name[0] == 'n' ? atoi(entry->d_name + 1) : -1;

    if (number < 0 || number >= TREE_NAMES)
        return -1;
    const struct tree_place *place = &actor->tree->places[directory * TREE_NAMES + number];
    const struct tree_object *object = tree_at(actor, place);
    if (!load_same(process, "presence", place->path, 1, object != NULL))
        return number;
    load_same(process, "type in its directory", place->path, entry->d_type, types[object->type]);
    load_same(process, "inode in its directory", place->path, (int64_t)entry->d_ino,
              (int64_t)object->ino);
    return number;
}

/* Each name that is there, once, and no other. */
static void compare_entries(struct tree_actor *actor, int directory, DIR *stream, const char *path)
{
    struct load_process *process = actor->process;
    int seen[TREE_NAMES] = { 0 };
    struct dirent *entry;

    while (errno = 0, (entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int number = check_entry(actor, directory, entry);
        if (number == -1)
            load_same(process, "foreign names", path, 1, 0);
        else
            seen[number]++;
    }
    int error = errno;
    CALL(process, path, (errno = error) == 0 ? 0 : -1);
    for (int i = 0; i < TREE_NAMES; i++) {
        const struct tree_place *place = &actor->tree->places[directory * TREE_NAMES + i];
        load_same(process, "times in its directory", place->path, seen[i],
                  place->object != NO_OBJECT);
    }
}

static void list(struct tree_actor *actor, int directory)
{
    struct tree_place *places = &actor->tree->places[directory * TREE_NAMES];
    struct load_process *process = actor->process;
    char path[16];

    snprintf(path, sizeof(path), "d%d", directory);
    for (int i = 0; i < TREE_NAMES; i++)
        pthread_mutex_lock(&places[i].lock);
    int fd = (int)CALL(process, path, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    DIR *stream = fd == -1 ? NULL : fdopendir(fd);
    if (stream != NULL) {
        compare_entries(actor, directory, stream, path);
        CALL(process, path, closedir(stream));
    }
    for (int i = 0; i < TREE_NAMES; i++)
        pthread_mutex_unlock(&places[i].lock);
}

void tree_act(struct tree_actor *actor)
{
    unsigned chance = load_random(actor->process, 16);

    if (chance == 0)
        list(actor, (int)load_random(actor->process, TREE_DIRECTORIES));
    else if (chance < 6)
        act_on_handle(actor);
    else
        act_on_places(actor);
}

void tree_close(struct tree_actor *actor)
{
    for (int i = 0; i < TREE_HANDLES; i++) {
        struct tree_handle *handle = &actor->handles[i];
        if (handle->fd == -1)
            continue;
        pthread_mutex_t *lock = &handle->object->lock;
        pthread_mutex_lock(lock);
        tree_check_attributes(actor, handle->object, handle->fd, "handle");
        tree_check_bytes(actor, handle->object, handle->fd, "handle");
        tree_close_handle(actor, handle);
        pthread_mutex_unlock(lock);
    }
}

void tree_clear(struct tree_actor *actor)
{
    struct tree *tree = actor->tree;

    for (int i = 0; i < TREE_DIRECTORIES; i++)
        list(actor, i);
    for (int i = 0; i < TREE_PLACES; i++) {
        struct tree_place *place = &tree->places[i];
        struct tree_object *object = tree_at(actor, place);
        tree_look(actor, place, place);
        if (object != NULL && object->type == TREE_DIRECTORY) {
            if (object->full)
                tree_fill_directory(actor, place, place);
            tree_remove_directory(actor, place, place);
        } else if (object != NULL) {
            tree_unlink(actor, place, place);
        }
    }
    for (int i = 0; i < TREE_OBJECTS; i++)
        load_same(actor->process, "objects left", "the model", tree->objects[i].used, 0);
}
