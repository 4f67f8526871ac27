// SPDX-License-Identifier: BSD-2-Clause
#include "floor_names.h"

#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

// The root's number is odd, as those of all directories.
enum { FIRST_FILE = 2, FIRST_DIRECTORY = 3 };

struct floor_name {
    uint64_t parent;
    uint64_t ino;
    char name[];
};

struct floor_names {
    pthread_mutex_t mutex; // guards all of the following
    void *tree;            // a tree, as tsearch(3) has it
    uint64_t next_file;
    uint64_t next_directory;
};

static int compare_names(const void *left, const void *right)
{
    const struct floor_name *one = left, *other = right;

    if (one->parent != other->parent)
        return one->parent < other->parent ? -1 : 1;
    return strcmp(one->name, other->name);
}

static struct floor_name *make_name(uint64_t parent, const char *name)
{
    size_t size = strlen(name) + 1;
    struct floor_name *entry = malloc(sizeof(*entry) + size);

    if (entry == NULL)
        return NULL;
    *entry = (struct floor_name){ .parent = parent };
    memcpy(entry->name, name, size);
    return entry;
}

struct floor_names *floor_names_new(void)
{
    struct floor_names *names = malloc(sizeof(*names));

    if (names != NULL)
        *names = (struct floor_names){ .mutex = PTHREAD_MUTEX_INITIALIZER,
                                       .next_file = FIRST_FILE,
                                       .next_directory = FIRST_DIRECTORY };
    return names;
}

// Adds a name. The mutex is held.
static bool put_name(struct floor_names *names, struct floor_name *entry)
{
    struct floor_name **place = tsearch(entry, &names->tree, compare_names);

    if (place == NULL)
        return false;
    if (*place != entry) {
        (*place)->ino = entry->ino;
        free(entry);
    }
    return true;
}

// Takes a name away and returns its inode number; 0: it is not there. The mutex is held.
static uint64_t take_name(struct floor_names *names, const struct floor_name *wanted)
{
    struct floor_name **place = tfind(wanted, &names->tree, compare_names);
    uint64_t ino;

    if (place == NULL)
        return 0;
    struct floor_name *entry = *place;
    ino = entry->ino;
    tdelete(entry, &names->tree, compare_names);
    free(entry);
    return ino;
}

uint64_t floor_names_find(struct floor_names *names, uint64_t parent, const char *name)
{
    struct floor_name *wanted = make_name(parent, name);
    uint64_t ino = 0;

    if (wanted == NULL)
        return 0;
    pthread_mutex_lock(&names->mutex);
    struct floor_name **place = tfind(wanted, &names->tree, compare_names);
    if (place != NULL)
        ino = (*place)->ino;
    pthread_mutex_unlock(&names->mutex);
    free(wanted);
    return ino;
}

uint64_t floor_names_add(struct floor_names *names, uint64_t parent, const char *name,
                         bool directory)
{
    struct floor_name *entry = make_name(parent, name);
    uint64_t ino = 0;

    if (entry == NULL)
        return 0;
    pthread_mutex_lock(&names->mutex);
    uint64_t *next = directory ? &names->next_directory : &names->next_file;
    entry->ino = *next;
    if (put_name(names, entry)) {
        ino = *next;
        *next += 2;
    } else {
        free(entry);
    }
    pthread_mutex_unlock(&names->mutex);
    return ino;
}

void floor_names_remove(struct floor_names *names, uint64_t parent, const char *name)
{
    struct floor_name *wanted = make_name(parent, name);

    if (wanted == NULL)
        return;
    pthread_mutex_lock(&names->mutex);
    take_name(names, wanted);
    pthread_mutex_unlock(&names->mutex);
    free(wanted);
}

int floor_names_rename(struct floor_names *names, uint64_t parent, const char *name,
                       uint64_t new_parent, const char *new_name)
{
    struct floor_name *wanted = make_name(parent, name);
    struct floor_name *entry = make_name(new_parent, new_name);
    int error = wanted != NULL && entry != NULL ? 0 : -ENOMEM;

    pthread_mutex_lock(&names->mutex);
    if (error == 0) {
        entry->ino = take_name(names, wanted);
        error = entry->ino == 0 ? -ENOENT : put_name(names, entry) ? 0 : -ENOMEM;
    }
    pthread_mutex_unlock(&names->mutex);
    free(wanted);
    if (error != 0)
        free(entry);
    return error;
}

bool floor_is_directory(uint64_t ino)
{
    return ino % 2 != 0;
}
