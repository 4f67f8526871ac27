// SPDX-License-Identifier: BSD-2-Clause
/*
 * Commits. Those that come while one is being synced wait, and the first of them then leads: it
 * commits for all of them with one record and one sync.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/journal/core.h"
#include "lib/journal/find.h"
#include "lib/redo/disk.h"

/* An object of the calls that one leader commits for. */
struct member {
    struct journal_object *object;
    bool ready; // to be committed, for one call at least
};

struct batch {
    STAILQ_HEAD(, commit_wait) waits;
    struct member members[REDO_COMMIT_OBJECTS]; // by their numbers
    size_t count;
    uint64_t number; // the commit that has to be on disk
};
static_assert(JOURNAL_COMMIT_MAX <= REDO_COMMIT_OBJECTS, "a call fits into a record");

/* The inode's own properties, such as its owner or its first name, must not be younger on disk than
 * the data. */
static int sync_metadata(struct journal_object *object, int fd)
{
    int opened = -1;
    int error;

    if (!atomic_exchange(&object->metadata, false))
        return 0;
    if (fd < 0)
        fd = opened = find_open(object);
    // Nobody will find what has gone.
    error = fd == -ESTALE ? 0 : fd < 0 ? fd : disk_sync_store(fd, true);
    if (opened >= 0)
        close(opened);
    if (error)
        atomic_store(&object->metadata, true);
    return error;
}

/* Brings what is spilled into the journal, as far as that is there now: a little at a time, so that
 * readers and writers come in between. */
static int unspill(struct journal_object *object)
{
    uint64_t left;

    pthread_rwlock_rdlock(&object->lock);
    left = object->layers[LAYER_UNCOMMITTED].map.blocks;
    pthread_rwlock_unlock(&object->lock);
    while (left > 0) {
        ssize_t moved;

        pthread_rwlock_wrlock(&object->lock);
        moved = place_unspill(object, left);
        pthread_rwlock_unlock(&object->lock);
        if (moved <= 0)
            return (int)moved;
        left -= (uint64_t)moved;
    }
    return 0;
}

/* All that can be done without holding up others. */
static int prepare(struct journal_object *object, int fd)
{
    int error = unspill(object);

    return error ? error : sync_metadata(object, fd);
}

/* Writes the records of uncommitted pages once more. */
static int write_records_again(struct journal_object *object)
{
    struct records records = { .size = 0 };
    struct record_state state = record_state_of(object, LAYER_UNCOMMITTED);
    int error;

    if (!object->relog)
        return 0;
    pthread_mutex_lock(&object->journal->lock);
    room_describe_map(object, &object->layers[LAYER_UNCOMMITTED].map, &state, &records);
    pthread_mutex_unlock(&object->journal->lock);
    error = room_append(object, &records);
    records_clear(&records);
    if (!error)
        object->relog = false;
    return error;
}

/* Does the rest, with the object's lock. */
static int prepare_locked(struct journal_object *object)
{
    ssize_t moved;
    int error;

    do
        moved = place_unspill(object, UINT64_MAX);
    while (moved > 0);
    error = moved < 0 ? (int)moved : write_records_again(object);
    return error ? error
                 : extent_map_prepare_overlay(&object->layers[LAYER_COMMITTED].map,
                                              &object->layers[LAYER_UNCOMMITTED].map);
}

static int compare_members(const void *a, const void *b)
{
    uint64_t left = ((const struct member *)a)->object->number;
    uint64_t right = ((const struct member *)b)->object->number;

    return left < right ? -1 : left > right;
}

/* Lists the objects of all calls, each once, and locks them in the order of their numbers. */
static void lock_members(struct batch *batch)
{
    const struct commit_wait *wait;
    size_t all = 0;

    STAILQ_FOREACH(wait, &batch->waits, next)
    {
        for (size_t i = 0; i < wait->count; i++)
            batch->members[all++] = (struct member){ .object = wait->objects[i] };
    }
    qsort(batch->members, all, sizeof(batch->members[0]), compare_members);
    for (size_t i = 0; i < all; i++) {
        struct journal_object *object = batch->members[i].object;

        if (batch->count > 0 && batch->members[batch->count - 1].object == object)
            continue;
        batch->members[batch->count++].object = object;
        pthread_rwlock_wrlock(&object->lock);
    }
}

static void unlock_members(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct journal_object *object = batch->members[i].object;

        if (object->last_commit > batch->number)
            batch->number = object->last_commit;
        pthread_rwlock_unlock(&object->lock);
    }
}

/* Prepares what one call commits; all of it or nothing is ready. */
static int join(struct batch *batch, const struct commit_wait *wait)
{
    int error = 0;

    for (size_t i = 0; i < wait->count && !error; i++)
        error = prepare_locked(wait->objects[i]);
    for (size_t i = 0; i < wait->count && !error; i++) {
        const struct member wanted = { .object = wait->objects[i] };
        struct member *member = bsearch(&wanted, batch->members, batch->count,
                                        sizeof(batch->members[0]), compare_members);

        member->ready = true;
    }
    return error;
}

static bool is_to_commit(const struct member *member, bool next)
{
    return member->ready && member->object->layers[LAYER_UNCOMMITTED].changed &&
           (!next || member->object->in_next);
}

/* Appends the record to one half, with those objects that it is to have. */
static int append_commit(const struct batch *batch, struct half *half, bool next, int fd)
{
    struct records records = { .size = 0 };
    uint64_t count = 0;
    int error;

    for (size_t i = 0; i < batch->count; i++)
        count += is_to_commit(&batch->members[i], next);
    if (count == 0)
        return 0;
    record_commit(&records, half->synced, count);
    for (size_t i = 0; i < batch->count; i++) {
        struct record_state state = record_state_of(batch->members[i].object, LAYER_UNCOMMITTED);

        if (is_to_commit(&batch->members[i], next))
            record_committed(&records, &state);
    }
    error = half_append(fd, half, &records);
    records_clear(&records);
    return error;
}

/* All that was uncommitted is committed. Memory was set aside. */
static void seal(struct journal_object *object, uint64_t number)
{
    struct layer *from = &object->layers[LAYER_UNCOMMITTED];
    struct layer *to = &object->layers[LAYER_COMMITTED];
    const struct extent_release release = { room_release_sealed, object };

    extent_map_overlay(&to->map, &from->map, &release);
    to->changed = true;
    to->size = from->size;
    to->mtime = from->mtime;
    from->changed = false;
    object->last_commit = number;
}

/* Writes the record, and has the objects be as it says. */
static int record_batch(struct journal *journal, struct batch *batch)
{
    uint64_t changed = 0, blocks = 0;
    uint64_t number;
    int error;

    for (size_t i = 0; i < batch->count; i++) {
        if (is_to_commit(&batch->members[i], false)) {
            changed++;
            blocks += batch->members[i].object->layers[LAYER_UNCOMMITTED].map.blocks;
        }
    }
    if (changed == 0)
        return 0;
    pthread_mutex_lock(&journal->lock);
    error = append_commit(batch, &journal->current, false, journal->fd);
    if (!error && journal->turning && journal->turn_error == 0)
        journal->turn_error = append_commit(batch, &journal->next, true, journal->fd);
    number = error ? 0 : ++journal->commits;
    if (!error)
        journal->left -= blocks < journal->left ? blocks : journal->left;
    journal->last_use = journal_now();
    pthread_mutex_unlock(&journal->lock);
    for (size_t i = 0; i < batch->count && !error; i++)
        if (is_to_commit(&batch->members[i], false))
            seal(batch->members[i].object, number);
    return error;
}

/* The records that a dead worker has left must be on disk before there is a commit after it, so
 * that only the last commit of a journal can be one that nobody was told of. */
static int sync_inheritance(struct journal *journal)
{
    bool unsynced;
    int error;

    pthread_mutex_lock(&journal->lock);
    unsynced = journal->unsynced;
    pthread_mutex_unlock(&journal->lock);
    if (!unsynced)
        return 0;
    error = room_sync(journal);
    pthread_mutex_lock(&journal->lock);
    if (!error)
        journal->unsynced = false;
    pthread_mutex_unlock(&journal->lock);
    return error;
}

static int sync_batch(struct journal *journal, const struct batch *batch)
{
    uint64_t synced = atomic_load(&journal->synced);
    int error;

    if (batch->number <= synced)
        return 0;
    disk_point(DISK_POINT_COMMITTED);
    error = room_sync(journal);
    if (!error)
        journal_note_synced(journal, batch->number);
    disk_point(DISK_POINT_SYNCED);
    return error;
}

static void finish(struct batch *batch, int error)
{
    struct commit_wait *wait;

    STAILQ_FOREACH(wait, &batch->waits, next)
    {
        if (wait->error == 0)
            wait->error = error;
    }
}

static void lead(struct journal *journal, struct batch *batch)
{
    struct commit_wait *wait;
    int error = atomic_load(&journal->error) ? -EIO : 0;

    if (!error && journal_file(journal) >= 0)
        error = sync_inheritance(journal);
    if (error) {
        finish(batch, error);
        return;
    }
    lock_members(batch);
    STAILQ_FOREACH(wait, &batch->waits, next)
    {
        wait->error = join(batch, wait);
    }
    error = record_batch(journal, batch);
    unlock_members(batch);
    if (!error)
        error = sync_batch(journal, batch);
    finish(batch, error);
}

/* Takes as many of those that wait as one record can have. The caller has the group's lock. */
static void gather(struct journal *journal, struct batch *batch)
{
    struct commit_wait *wait;
    size_t count = 0;

    STAILQ_INIT(&batch->waits);
    while ((wait = STAILQ_FIRST(&journal->waits)) != NULL &&
           count + wait->count <= REDO_COMMIT_OBJECTS) {
        STAILQ_REMOVE_HEAD(&journal->waits, next);
        STAILQ_INSERT_TAIL(&batch->waits, wait, next);
        count += wait->count;
    }
}

static void lead_group(struct journal *journal, struct batch *batch)
{
    struct commit_wait *wait;

    journal->led = true;
    gather(journal, batch);
    pthread_mutex_unlock(&journal->group);
    lead(journal, batch);
    pthread_mutex_lock(&journal->group);
    // A waiter that is told may be gone at once.
    while ((wait = STAILQ_FIRST(&batch->waits)) != NULL) {
        STAILQ_REMOVE_HEAD(&batch->waits, next);
        wait->done = true;
    }
    journal->led = false;
    pthread_cond_broadcast(&journal->committed);
}

static int wait_for_commit(struct journal *journal, struct commit_wait *wait, struct batch *batch)
{
    pthread_mutex_lock(&journal->group);
    STAILQ_INSERT_TAIL(&journal->waits, wait, next);
    while (!wait->done) {
        if (journal->led)
            pthread_cond_wait(&journal->committed, &journal->group);
        else
            lead_group(journal, batch);
    }
    pthread_mutex_unlock(&journal->group);
    return wait->error;
}

static int try_to_commit(struct journal *journal, struct journal_object *const objects[],
                         const int fds[], size_t count)
{
    struct commit_wait wait = { .objects = objects, .count = count };
    struct batch *batch;
    bool dirty = false;
    int error = 0;

    for (size_t i = 0; i < count && !error; i++) {
        error = prepare(objects[i], fds != NULL ? fds[i] : -1);
        dirty = dirty || journal_is_dirty(objects[i]);
    }
    if (error || !dirty)
        return error;
    batch = calloc(1, sizeof(*batch));
    if (batch == NULL)
        return -ENOMEM;
    error = wait_for_commit(journal, &wait, batch);
    free(batch);
    return error;
}

int journal_commit(struct journal *journal, struct journal_object *const objects[], const int fds[],
                   size_t count)
{
    int error;

    if (count > JOURNAL_COMMIT_MAX)
        return -E2BIG;
    if (atomic_load(&journal->error))
        return -EIO;
    error = try_to_commit(journal, objects, fds, count);
    // Where the store is full, the blocks of what is applied have room.
    if (error == -ENOSPC && journal_file(journal) >= 0 && journal_apply(journal) == 0)
        error = try_to_commit(journal, objects, fds, count);
    atomic_store(&journal->commit_error, -error);
    return error;
}
