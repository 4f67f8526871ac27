// SPDX-License-Identifier: BSD-2-Clause
/*
 * A new generation of records: what is live is written into the other half, and then the superblock
 * names that one.
 *
 * Nobody has to wait for that. As soon as an object's state is in the other half, all its records
 * go to both; so each half has the whole truth, whichever the superblock on disk names after a
 * crash.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/journal/core.h"
#include "lib/redo/disk.h"
#include "lib/redo/superblock.h"

static void describe_committed(struct journal_object *object, struct records *records)
{
    const struct layer *committed = &object->layers[LAYER_COMMITTED];
    const struct layer *applying = &object->layers[LAYER_APPLYING];
    struct record_state state =
        record_state_of(object, committed->changed ? LAYER_COMMITTED : LAYER_APPLYING);

    if (!committed->changed && !applying->changed)
        return;
    room_describe_map(object, &applying->map, &state, records);
    room_describe_map(object, &committed->map, &state, records);
    record_commit(records, 0, 1);
    record_committed(records, &state);
}

static void describe_uncommitted(struct journal_object *object, struct records *records)
{
    struct record_state state = record_state_of(object, LAYER_UNCOMMITTED);

    if (!object->layers[LAYER_UNCOMMITTED].changed)
        return;
    room_describe_map(object, &object->layers[LAYER_UNCOMMITTED].map, &state, records);
    record_size(records, &state, UINT64_MAX);
}

/* Writes the state of an object into the next half. The caller has the object's lock. */
static int write_state(struct journal_object *object)
{
    struct journal *journal = object->journal;
    struct records records = { .size = 0 };
    int error = 0;

    pthread_mutex_lock(&journal->lock);
    if (atomic_load(&object->live)) {
        room_describe(object, &records);
        describe_committed(object, &records);
        describe_uncommitted(object, &records);
        error = half_append(journal->fd, &journal->next, &records);
        object->in_next = error == 0;
    } else if (!object->in_next) {
        // The next one who needs it introduces it again.
        object->logged = false;
    }
    pthread_mutex_unlock(&journal->lock);
    records_clear(&records);
    return error;
}

/* Blocks that were applied are not needed any more. */
static void end_applying(struct journal_object *object)
{
    struct layer *applying = &object->layers[LAYER_APPLYING];
    const struct extent_release release = { room_release_sealed, object };

    if (!object->applied && !object->forgotten)
        return;
    object->applied = false;
    extent_map_clear(&applying->map, &release);
    applying->changed = false;
    object_update_live(object);
}

static int write_object(struct journal_object *object)
{
    int error;

    pthread_rwlock_wrlock(&object->lock);
    end_applying(object);
    error = object->in_next ? 0 : write_state(object);
    pthread_rwlock_unlock(&object->lock);
    disk_point(DISK_POINT_TURNING);
    return error;
}

static int write_objects(struct journal *journal)
{
    struct journal_object **objects = NULL;
    ssize_t count = object_hold_all(journal, &objects);
    int error = count < 0 ? (int)count : 0;

    for (ssize_t i = 0; i < count && !error; i++)
        error = write_object(objects[i]);
    for (ssize_t i = 0; i < count; i++)
        journal_leave(objects[i]);
    free(objects);
    return error;
}

/* Returns a generation that no record has: one that was begun, and came to no end, has left some in
 * the half. Its superblock must not take the place of the current one. */
static uint64_t new_generation(const struct journal *journal)
{
    uint64_t current = journal->current.generation;
    uint64_t generation =
        (journal->next.generation > current ? journal->next.generation : current) + 1;

    return (generation - current) % 2 == 0 ? generation + 1 : generation;
}

static void begin_turn(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    half_begin(&journal->next, new_generation(journal));
    journal->turning = true;
    journal->turn_error = 0;
    pthread_mutex_unlock(&journal->lock);
}

/* The caller has the journal's lock. */
static void end_turn(struct journal *journal)
{
    journal->turning = false;
    object_leave_next(journal);
}

static void abandon_turn(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    end_turn(journal);
    for (unsigned i = 0; i < POOLS; i++)
        blocks_turn_failed(&journal->pools[i]);
    pthread_mutex_unlock(&journal->lock);
}

/* Gives space that the journal took beyond its limit back to the store. */
static void trim(struct journal *journal)
{
    uint64_t end = blocks_end(&journal->pools[POOL_JOURNAL]);
    off_t size = lseek(journal->fd, 0, SEEK_END);
    off_t wanted;

    end = end > journal->limit ? end : journal->limit;
    wanted = (off_t)(REDO_DATA_AT + end * REDO_PAGE);
    // A block that is not given back is used again.
    if (size > wanted && ftruncate(journal->fd, wanted) != 0)
        return;
}

/* The next generation is the current one. `error`: it is not sure whether the disk knows. */
static void flip(struct journal *journal, int error)
{
    struct records turned = { .size = 0 };
    struct half old;

    pthread_mutex_lock(&journal->lock);
    old = journal->current;
    journal->current = journal->next;
    journal->next = old;
    end_turn(journal);
    for (unsigned i = 0; i < POOLS; i++) {
        if (error)
            blocks_turn_failed(&journal->pools[i]);
        else
            blocks_turn(&journal->pools[i]);
    }
    if (!error) {
        journal->forgot = false;
        record_one(&turned, REDO_TURNED, 0);
        half_append(journal->fd, &journal->current, &turned);
        trim(journal);
    }
    journal->turned_end = journal->current.end;
    pthread_mutex_unlock(&journal->lock);
    records_clear(&turned);
}

/* An object that was forgotten must have gone from the disk, too, or a crash would bring it back
 * without what was committed. */
static int sync_removals(struct journal *journal)
{
    bool forgot;

    pthread_mutex_lock(&journal->lock);
    forgot = journal->forgot;
    pthread_mutex_unlock(&journal->lock);
    return forgot && syncfs(journal->store) != 0 ? -errno : 0;
}

static int write_superblock(struct journal *journal)
{
    struct superblock superblock = {
        .size = journal->options.size,
        .generation = journal->next.generation,
        .half = journal->next.index,
    };

    memcpy(superblock.session, journal->options.session, sizeof(superblock.session));
    return superblock_write(journal->fd, &superblock);
}

static int turn_error(struct journal *journal)
{
    int error;

    pthread_mutex_lock(&journal->lock);
    error = journal->turn_error;
    pthread_mutex_unlock(&journal->lock);
    return error;
}

int turn_over(struct journal *journal)
{
    int error;

    begin_turn(journal);
    error = write_objects(journal);
    if (!error)
        error = sync_removals(journal);
    if (!error)
        error = room_sync(journal);
    if (!error)
        error = turn_error(journal);
    if (!error)
        error = write_superblock(journal);
    if (error) {
        abandon_turn(journal);
        return error;
    }
    disk_point(DISK_POINT_FLIPPED);
    error = room_sync(journal);
    flip(journal, error);
    disk_point(DISK_POINT_TURNED);
    return error;
}
