// SPDX-License-Identifier: BSD-2-Clause
/*
 * Some directories of a model: what is under each name, how many names each file has, and every
 * byte of it. One process alone, or several at the same time, do on it whatever can be done with
 * names and files; the model says what each call must give, success or errno.
 *
 * A process that uses a name locks its place, and then the objects that are there, both in the
 * order of their numbers; so several processes work in one directory at the same moment, and still
 * each result is certain.
 */
#ifndef SHMAPFS_TESTS_LOAD_TREE_H
#define SHMAPFS_TESTS_LOAD_TREE_H

#include "tests/mount/load/load.h"

#include <pthread.h>
#include <time.h>

enum {
    TREE_DIRECTORIES = 3,
    TREE_NAMES = 8, // in each directory
    TREE_PLACES = TREE_DIRECTORIES * TREE_NAMES,
    TREE_HANDLES = 3, // that a process keeps open
    TREE_OBJECTS = TREE_PLACES + 16,
    TREE_BYTES = 12 << 10,
    NO_OBJECT = -1,
};

enum tree_type { TREE_FILE, TREE_SYMLINK, TREE_DIRECTORY };

/* Contents with their attributes. Everything under the lock. */
struct tree_object {
    pthread_mutex_t lock;
    bool used; // under the tree's lock: has a name or a handle
    enum tree_type type;
    unsigned names, handles;
    bool linkable; // without a name, but it can be given one
    mode_t mode;
    ino_t ino;
    size_t size;
    bool timed; // the modification time is known
    struct timespec mtime;
    unsigned tag; // the value of the extended attribute; 0: has none
    bool full;    // a directory with an entry
    char target[32];
    unsigned char bytes[TREE_BYTES];
};

struct tree_place {
    pthread_mutex_t lock;
    int object;
    char path[16];
};

struct tree {
    pthread_mutex_t lock; // for what is used
    struct tree_place places[TREE_PLACES];
    struct tree_object objects[TREE_OBJECTS];
};

struct tree_handle {
    int fd;
    struct tree_object *object;
};

/* One process that is at work in a tree. */
struct tree_actor {
    struct load_process *process;
    struct tree *tree;
    struct tree_handle handles[TREE_HANDLES];
    unsigned stamp; // a number for whatever has to be new
};

void tree_init(struct tree *tree);

/* Makes the directories of the tree in the working directory. */
void tree_make(struct load_process *process);

struct tree_actor *tree_actor_new(struct load_process *process, struct tree *tree);

/* Does one thing. */
void tree_act(struct tree_actor *actor);

/* Closes what the actor holds open, having looked at it. */
void tree_close(struct tree_actor *actor);

/* Compares everything with the model and removes it; nobody else may be at work. */
void tree_clear(struct tree_actor *actor);

/*
 * For the other files of this folder: called with the places and the objects locked.
 */

/* Does something with one place, or two, which may be the same. */
typedef void tree_action(struct tree_actor *actor, struct tree_place *place,
                         struct tree_place *other);

/* In tree_name.c. */
tree_action tree_create, tree_open, tree_create_nameless, tree_make_directory, tree_make_symlink,
    tree_link, tree_rename, tree_unlink, tree_remove_directory, tree_fill_directory;

/* In tree_file.c. */
tree_action tree_truncate, tree_append, tree_copy, tree_look, tree_read_link, tree_change_mode,
    tree_change_times, tree_change_tag;

/* Does something with an open file, and perhaps with a place. */
typedef void tree_handle_action(struct tree_actor *actor, struct tree_handle *handle,
                                struct tree_place *place);

/* In tree_handle.c. */
tree_handle_action tree_write, tree_resize, tree_allocate, tree_map, tree_sync, tree_compare,
    tree_name_handle, tree_release;

/* The object at a place, or NULL. */
struct tree_object *tree_at(const struct tree_actor *actor, const struct tree_place *place);

/* A new object that has no name yet; its mode and inode number are read from the descriptor, or the
 * path. */
struct tree_object *tree_new(struct tree_actor *actor, enum tree_type type, int fd,
                             const char *path);

/* Puts an object, or NULL, at a place, and counts its names. */
void tree_put(struct tree_actor *actor, struct tree_place *place, struct tree_object *object);

/* Keeps the descriptor of an object open as a handle, if one is free; closes it otherwise. */
void tree_keep(struct tree_actor *actor, struct tree_object *object, int fd);
void tree_close_handle(struct tree_actor *actor, struct tree_handle *handle);

/* Holds attributes and contents to the model, by the descriptor or else the path. */
void tree_check_attributes(struct tree_actor *actor, const struct tree_object *object, int fd,
                           const char *path);
void tree_check_bytes(struct tree_actor *actor, const struct tree_object *object, int fd,
                      const char *path);
void tree_check_tag(struct tree_actor *actor, const struct tree_object *object, const char *path);

/* The errno of an open for writing, without following links, at a place; 0 for a file. */
int tree_open_error(const struct tree_object *object);

/* Changes the model: random bytes, where the file has none yet zeroes before them; another size. */
void tree_scribble(struct tree_actor *actor, struct tree_object *object, size_t offset,
                   size_t count);
void tree_set_size(struct tree_object *object, size_t size);

#endif
