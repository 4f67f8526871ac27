// SPDX-License-Identifier: BSD-2-Clause
#include "tools/scan/selection.h"

#include <err.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ui/array.h"

bool selection_find_key(const char *word, enum object_key *key)
{
    static const char *const words[OBJECT_KEYS] = {
        [BY_PATH] = "path",           [BY_SIZE] = "size",
        [BY_ALLOCATED] = "allocated", [BY_RESIDENT] = "resident",
        [BY_DIRTY] = "dirty",         [BY_USERS] = "users",
        [BY_MTIME] = "mtime",         [BY_UNCOMMITTED] = "uncommitted",
    };

    for (int i = 0; i < OBJECT_KEYS; i++) {
        if (strcmp(word, words[i]) == 0) {
            *key = (enum object_key)i;
            return true;
        }
    }
    return false;
}

static bool is_selected(const struct selection *selection, const struct object *object)
{
    const char *slash = strrchr(object->path, '/');

    if (selection->class && object->class != *selection->class)
        return false;
    if (selection->name && fnmatch(selection->name, slash ? slash + 1 : object->path, 0) != 0)
        return false;
    return !(selection->used && object->users == 0) && !(selection->unused && object->users > 0);
}

static uint64_t number_to_sort_by(const struct object *object, enum object_key key)
{
    switch (key) {
    case BY_SIZE:
        return object->size;
    case BY_ALLOCATED:
        return object->allocated;
    case BY_RESIDENT:
        return object->pages.resident;
    case BY_DIRTY:
        return object->pages.dirty;
    case BY_UNCOMMITTED:
        return object->uncommitted;
    case BY_USERS:
        return object->users;
    default:
        return 0;
    }
}

static int compare_times(const struct timespec *a, const struct timespec *b)
{
    if (a->tv_sec != b->tv_sec)
        return a->tv_sec < b->tv_sec ? -1 : 1;
    return (a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec);
}

static int compare_objects(const void *one, const void *other, void *argument)
{
    const struct selection *selection = argument;
    const struct object *a = one, *b = other;
    uint64_t first = number_to_sort_by(a, selection->key),
             second = number_to_sort_by(b, selection->key);
    int order = (first < second) - (first > second);

    if (selection->key == BY_MTIME)
        order = -compare_times(&a->modified, &b->modified);
    if (order == 0)
        order = strcmp(a->path, b->path);
    return selection->reverse ? -order : order;
}

void selection_apply(const struct selection *selection, struct objects *objects)
{
    size_t kept = 0;

    for (size_t i = 0; i < objects->count; i++) {
        if (is_selected(selection, &objects->all[i]))
            objects->all[kept++] = objects->all[i];
        else
            free(objects->all[i].path);
    }
    objects->count = kept;
    if (kept > 0)
        qsort_r(objects->all, kept, sizeof(*objects->all), compare_objects,
                (void *)(uintptr_t)selection);
}

static void add_to_sum(struct object_sum *sum, const struct object *object)
{
    if (object->is_directory) {
        sum->directories++;
        return;
    }
    sum->objects++;
    sum->size += object->size;
    sum->allocated += object->allocated;
    sum->counted = sum->counted && object->counted;
    sum->pages.resident += object->pages.resident;
    sum->pages.dirty += object->pages.dirty;
    sum->pages.swapped += object->pages.swapped;
    sum->uncommitted += object->uncommitted;
}

/* An object to be added up, by its inode. */
struct named_object {
    uint64_t inode;
    size_t index;
};

struct object_sum objects_sum(const struct objects *objects)
{
    struct named_object *sorted = calloc(objects->count + 1, sizeof(*sorted));
    struct object_sum sum = { .counted = true };

    if (!sorted)
        err(EXIT_FAILURE, NULL);
    for (size_t i = 0; i < objects->count; i++)
        sorted[i] = (struct named_object){ objects->all[i].inode, i };
    if (objects->count > 0)
        qsort(sorted, objects->count, sizeof(*sorted), array_compare);
    for (size_t i = 0; i < objects->count; i++) {
        if (i == 0 || sorted[i].inode != sorted[i - 1].inode)
            add_to_sum(&sum, &objects->all[sorted[i].index]);
    }
    free(sorted);
    return sum;
}
