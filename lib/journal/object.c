// SPDX-License-Identifier: BSD-2-Clause
/* The objects of a journal: finding them, and letting them go. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/journal/core.h"

#define NANOSECONDS INT64_C(1000000000)

static int compare_identities(const struct journal_object *a, const struct journal_object *b)
{
    if (a->inode != b->inode)
        return a->inode < b->inode ? -1 : 1;
    return a->birth < b->birth ? -1 : a->birth > b->birth;
}

static int compare_numbers(const struct journal_object *a, const struct journal_object *b)
{
    return a->number < b->number ? -1 : a->number > b->number;
}

/* RB_GENERATE_STATIC marks its functions with a word that libbsd does not define. */
// NOLINTNEXTLINE
RB_GENERATE_INTERNAL(identity_tree, journal_object, by_identity, compare_identities,
                     static __attribute__((unused)))
// NOLINTNEXTLINE
RB_GENERATE_INTERNAL(number_tree, journal_object, by_number, compare_numbers,
                     static __attribute__((unused)))

struct journal_object *object_new(struct journal *journal, uint64_t inode, uint64_t birth)
{
    struct journal_object *object = calloc(1, sizeof(*object));

    if (object == NULL)
        return NULL;
    object->journal = journal;
    object->inode = inode;
    object->birth = birth;
    pthread_rwlock_init(&object->lock, NULL);
    // Nobody knows what of it is on disk.
    atomic_store(&object->metadata, true);
    return object;
}

void object_free(struct journal_object *object)
{
    for (unsigned i = 0; i < LAYERS; i++)
        extent_map_clear(&object->layers[i].map, NULL);
    pthread_rwlock_destroy(&object->lock);
    free(object);
}

struct journal_object *object_by_number(struct journal *journal, uint64_t number)
{
    struct journal_object wanted = { .number = number };

    return RB_FIND(number_tree, &journal->numbers, &wanted);
}

struct journal_object *object_by_identity(struct journal *journal, uint64_t inode, uint64_t birth)
{
    struct journal_object wanted = { .inode = inode, .birth = birth };

    return RB_FIND(identity_tree, &journal->identities, &wanted);
}

void object_insert(struct journal_object *object)
{
    struct journal *journal = object->journal;

    if (object->number == 0)
        object->number = journal->last_number + 1;
    if (object->number > journal->last_number)
        journal->last_number = object->number;
    RB_INSERT(number_tree, &journal->numbers, object);
    if (!object->forgotten)
        RB_INSERT(identity_tree, &journal->identities, object);
}

void identity_remove(struct journal_object *object)
{
    RB_REMOVE(identity_tree, &object->journal->identities, object);
}

/* Frees an object that nobody has and the journal does not need. An object that was logged is kept,
 * so that it has one number in a generation. */
void object_settle(struct journal_object *object)
{
    struct journal *journal = object->journal;

    if (object->references > 0 || object->logged || object->in_next || atomic_load(&object->live))
        return;
    if (!object->forgotten)
        RB_REMOVE(identity_tree, &journal->identities, object);
    RB_REMOVE(number_tree, &journal->numbers, object);
    object_free(object);
}

void object_update_live(struct journal_object *object)
{
    bool live = false;

    for (unsigned i = 0; i < LAYERS; i++)
        live = live || object->layers[i].changed;
    atomic_store(&object->live, live);
}

void object_modified(struct journal_object *object)
{
    object->layers[LAYER_UNCOMMITTED].changed = true;
    atomic_store(&object->live, true);
}

static struct journal_object *first_of(struct journal *journal)
{
    return RB_MIN(number_tree, &journal->numbers);
}

static struct journal_object *next_of(struct journal_object *object)
{
    return RB_NEXT(number_tree, NULL, object);
}

ssize_t object_hold_all(struct journal *journal, struct journal_object ***objects)
{
    struct journal_object *object;
    size_t count = 0;

    pthread_mutex_lock(&journal->lock);
    for (object = first_of(journal); object != NULL; object = next_of(object))
        count++;
    *objects = calloc(count + 1, sizeof(struct journal_object *));
    count = 0;
    if (*objects != NULL) {
        for (object = first_of(journal); object != NULL; object = next_of(object)) {
            object->references++;
            (*objects)[count++] = object;
        }
    }
    pthread_mutex_unlock(&journal->lock);
    return *objects != NULL ? (ssize_t)count : -ENOMEM;
}

void object_leave_next(struct journal *journal)
{
    struct journal_object *object;

    for (object = first_of(journal); object != NULL; object = next_of(object))
        object->in_next = false;
}

void object_free_all(struct journal *journal)
{
    struct journal_object *object;

    while ((object = RB_ROOT(&journal->numbers)) != NULL) {
        RB_REMOVE(number_tree, &journal->numbers, object);
        object_free(object);
    }
}

struct journal_object *journal_find(struct journal *journal, const struct statx *stx)
{
    struct journal_object *object;

    pthread_mutex_lock(&journal->lock);
    object = object_by_identity(journal, stx->stx_ino, object_birth(stx));
    if (object != NULL && atomic_load(&object->live))
        object->references++;
    else
        object = NULL;
    pthread_mutex_unlock(&journal->lock);
    return object;
}

static void set_state(struct journal_object *object, const struct statx *stx)
{
    for (unsigned i = 0; i < LAYERS; i++) {
        object->layers[i].size = stx->stx_size;
        object->layers[i].mtime = stx->stx_mtime.tv_sec * NANOSECONDS + stx->stx_mtime.tv_nsec;
    }
}

/* Finds an object, and takes a reference; `idle`: the journal has nothing of it, and nobody else
 * has it. */
static struct journal_object *hold(struct journal *journal, const struct statx *stx, bool *idle)
{
    struct journal_object *object;

    pthread_mutex_lock(&journal->lock);
    object = object_by_identity(journal, stx->stx_ino, object_birth(stx));
    if (object != NULL)
        *idle = object->references++ == 0 && !atomic_load(&object->live);
    pthread_mutex_unlock(&journal->lock);
    return object;
}

/* Makes an object known, unless another thread was faster. */
static struct journal_object *introduce(struct journal *journal, int fd, const struct statx *stx,
                                        bool spills)
{
    struct journal_object *object = object_new(journal, stx->stx_ino, object_birth(stx));
    struct journal_object *other;

    if (object == NULL)
        return NULL;
    object->spills = spills;
    set_state(object, stx);
    // Without a handle it is found by its numbers.
    if (object_handle_of(fd, &object->handle) != 0)
        object->handle.length = 0;
    pthread_mutex_lock(&journal->lock);
    other = object_by_identity(journal, object->inode, object->birth);
    if (other == NULL)
        object_insert(object);
    else
        object_free(object);
    object = other != NULL ? other : object;
    object->references++;
    pthread_mutex_unlock(&journal->lock);
    return object;
}

int journal_enter(struct journal *journal, int fd, const struct statx *stx, bool spills,
                  struct journal_object **object)
{
    bool idle = false;
    struct statx now;

    *object = hold(journal, stx, &idle);
    if (*object == NULL)
        *object = introduce(journal, fd, stx, spills);
    if (*object == NULL)
        return -ENOMEM;
    pthread_rwlock_wrlock(&(*object)->lock);
    if (!atomic_load(&(*object)->live)) {
        (*object)->spills = spills;
        // The caller's knowledge may be from before it was applied.
        if (idle && object_stat(fd, &now) == 0)
            set_state(*object, &now);
    }
    pthread_rwlock_unlock(&(*object)->lock);
    return 0;
}

struct journal_object *journal_share(struct journal_object *object)
{
    pthread_mutex_lock(&object->journal->lock);
    object->references++;
    pthread_mutex_unlock(&object->journal->lock);
    return object;
}

void journal_leave(struct journal_object *object)
{
    struct journal *journal;

    if (object == NULL)
        return;
    journal = object->journal;
    pthread_mutex_lock(&journal->lock);
    object->references--;
    object_settle(object);
    pthread_mutex_unlock(&journal->lock);
}

void journal_identify(const struct journal_object *object, struct statx *stx)
{
    *stx = (struct statx){ .stx_mask = STATX_INO | STATX_BTIME,
                           .stx_ino = object->inode,
                           .stx_btime = { .tv_sec = (int64_t)object->birth / NANOSECONDS,
                                          .tv_nsec = (uint32_t)(object->birth % NANOSECONDS) } };
}

static bool can_be_found(const struct journal_object *object)
{
    bool forgotten;

    pthread_mutex_lock(&object->journal->lock);
    forgotten = object->forgotten;
    pthread_mutex_unlock(&object->journal->lock);
    return !forgotten;
}

ssize_t journal_find_dirty(struct journal *journal, struct journal_object ***objects)
{
    ssize_t all = object_hold_all(journal, objects);
    ssize_t dirty = 0;

    for (ssize_t i = 0; i < all; i++) {
        struct journal_object *object = (*objects)[i];

        if (can_be_found(object) && journal_is_dirty(object))
            (*objects)[dirty++] = object;
        else
            journal_leave(object);
    }
    return all < 0 ? all : dirty;
}
