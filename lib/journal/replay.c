// SPDX-License-Identifier: BSD-2-Clause
#include "lib/journal/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/journal/core.h"
#include "lib/journal/damage.h"

static uint64_t body_size(const struct redo_header *record)
{
    return record->length - sizeof(*record);
}

static bool is_range(uint64_t page, uint64_t pages)
{
    return pages > 0 && page < EXTENT_END && pages <= EXTENT_END - page;
}

/* Returns the object of a record; NULL: it was not named before. */
static struct journal_object *known(const struct replay *replay, uint64_t number)
{
    return object_by_number(replay->journal, number);
}

static int replay_object(struct replay *replay, const struct redo_object *body)
{
    struct journal_object *object = known(replay, body->object);

    if (body->object == 0 || body->size > INT64_MAX || body->handle_length > OBJECT_HANDLE_MAX ||
        body->handle_type > UINT16_MAX)
        return -EUCLEAN;
    if (object != NULL)
        return object->inode == body->inode && object->birth == body->birth ? 0 : -EUCLEAN;
    if (object_by_identity(replay->journal, body->inode, body->birth) != NULL)
        return -EUCLEAN;
    object = object_new(replay->journal, body->inode, body->birth);
    if (object == NULL)
        return -ENOMEM;
    object->number = body->object;
    object->spills = body->flags & REDO_OBJECT_SPILLS;
    object->handle.type = (uint16_t)body->handle_type;
    object->handle.length = (uint8_t)body->handle_length;
    memcpy(object->handle.bytes, body->handle, body->handle_length);
    object->logged = true;
    for (unsigned i = 0; i < LAYERS; i++) {
        object->layers[i].size = body->size;
        object->layers[i].mtime = (int64_t)body->mtime;
    }
    object_insert(object);
    return 0;
}

/* Every change of data has the size and the time afterwards. */
static void set_changed(struct journal_object *object, uint64_t size, uint64_t mtime)
{
    object->layers[LAYER_UNCOMMITTED].size = size;
    object->layers[LAYER_UNCOMMITTED].mtime = (int64_t)mtime;
    object_modified(object);
}

static uint64_t block_of(const struct layer *layer, uint64_t page)
{
    const struct extent *extent = extent_map_find(&layer->map, page);

    return extent == NULL || extent->first > page || extent->block == EXTENT_HOLE
               ? EXTENT_HOLE
               : extent->block + (page - extent->first);
}

static int replay_page(struct journal_object *object, uint64_t page, uint64_t block)
{
    struct layer *layer = &object->layers[LAYER_UNCOMMITTED];
    const struct extent_release release = { room_release_uncommitted, object };
    int error = 0;

    if (block_of(layer, page) == block)
        return 0;
    error = blocks_claim(room_pool(object->journal, block), block & ~REDO_SPILLED, 1);
    if (!error)
        error = extent_map_prepare(&layer->map, 1);
    if (!error)
        extent_map_set(&layer->map, page, 1, block, &release);
    return error;
}

static int replay_write(struct replay *replay, const struct redo_write *body, uint64_t size)
{
    struct journal_object *object = known(replay, body->object);
    bool spilled = body->block & REDO_SPILLED;
    int error = 0;

    if (object == NULL || !is_range(body->page, body->pages) || body->size > INT64_MAX ||
        size != sizeof(*body) + (spilled ? 0 : body->pages * sizeof(uint64_t)))
        return -EUCLEAN;
    for (uint64_t i = 0; i < body->pages && !error; i++)
        error = replay_page(object, body->page + i, body->block + i);
    if (!error && !spilled)
        room_set_checksums(replay->journal, body->block, body->pages, body->checksums);
    extent_map_relax(&object->layers[LAYER_UNCOMMITTED].map);
    set_changed(object, body->size, body->mtime);
    return error;
}

static int replay_zeros(struct journal_object *object, uint64_t page, uint64_t pages)
{
    struct layer *layer = &object->layers[LAYER_UNCOMMITTED];
    const struct extent_release release = { room_release_uncommitted, object };
    int error = extent_map_prepare(&layer->map, 1);

    if (!error)
        extent_map_set(&layer->map, page, pages, EXTENT_HOLE, &release);
    return error;
}

static int replay_size(struct replay *replay, const struct redo_size *body)
{
    struct journal_object *object = known(replay, body->object);
    uint64_t page = body->limit / REDO_PAGE + (body->limit % REDO_PAGE != 0);
    int error = 0;

    if (object == NULL || body->size > INT64_MAX)
        return -EUCLEAN;
    if (body->limit <= INT64_MAX)
        error = replay_zeros(object, page, EXTENT_END - page);
    set_changed(object, body->size, body->mtime);
    return error;
}

static int replay_hole(struct replay *replay, const struct redo_hole *body)
{
    struct journal_object *object = known(replay, body->object);
    int error;

    if (object == NULL || !is_range(body->page, body->pages) || body->size > INT64_MAX)
        return -EUCLEAN;
    error = replay_zeros(object, body->page, body->pages);
    set_changed(object, body->size, body->mtime);
    return error;
}

static int commit_object(struct replay *replay, struct journal_object *object,
                         const struct redo_committed *committed)
{
    struct layer *from = &object->layers[LAYER_UNCOMMITTED];
    struct layer *to = &object->layers[LAYER_COMMITTED];
    const struct extent_release release = { room_release_sealed, object };
    int error;

    if (object->damaged)
        return 0;
    error = extent_map_overlay(&to->map, &from->map, &release);
    if (error)
        return error;
    to->changed = true;
    to->size = from->size = committed->size;
    to->mtime = from->mtime = (int64_t)committed->mtime;
    from->changed = false;
    // Where a generation begins, nothing but the size may be new.
    object_update_live(object);
    object->last_commit = replay->journal->commits;
    return 0;
}

/* Returns 1 where the commit and all after it do not count. */
static int replay_commit(struct replay *replay, const struct redo_commit *body, uint64_t size,
                         bool last)
{
    int error = 0;

    if (size < sizeof(*body) || body->count > REDO_COMMIT_OBJECTS ||
        size != sizeof(*body) + body->count * sizeof(body->objects[0]))
        return -EUCLEAN;
    for (uint64_t i = 0; i < body->count; i++)
        if (known(replay, body->objects[i].object) == NULL || body->objects[i].size > INT64_MAX)
            return -EUCLEAN;
    if (replay->crash)
        error = damage_check_commit(replay->journal, replay->listener, &replay->report, body, last);
    if (error)
        return error;
    replay->journal->commits++;
    replay->report.commits++;
    for (uint64_t i = 0; i < body->count && !error; i++)
        error = commit_object(replay, known(replay, body->objects[i].object), &body->objects[i]);
    return error;
}

static void empty_layer(struct journal_object *object, enum layer_kind kind,
                        void (*release)(void *context, uint64_t block, uint64_t pages))
{
    const struct extent_release releases = { release, object };

    extent_map_clear(&object->layers[kind].map, &releases);
    object->layers[kind].changed = false;
    object->layers[kind].size = object->layers[kind + 1].size;
    object->layers[kind].mtime = object->layers[kind + 1].mtime;
    object_update_live(object);
}

static int replay_drop(struct replay *replay, const struct redo_one *body)
{
    struct journal_object *object = known(replay, body->value);

    if (object == NULL)
        return -EUCLEAN;
    empty_layer(object, LAYER_UNCOMMITTED, room_release_uncommitted);
    return 0;
}

/* After a crash the object may be there again, for that it was removed need not have reached the
 * disk. */
static int replay_forget(struct replay *replay, const struct redo_one *body)
{
    struct journal_object *object = known(replay, body->value);

    if (object == NULL)
        return -EUCLEAN;
    empty_layer(object, LAYER_UNCOMMITTED, room_release_uncommitted);
    if (!object->forgotten)
        identity_remove(object);
    object->forgotten = true;
    if (!replay->crash) {
        replay->journal->forgot =
            replay->journal->forgot || object->layers[LAYER_COMMITTED].changed;
        empty_layer(object, LAYER_COMMITTED, room_release_sealed);
    }
    return 0;
}

static bool has_body(const struct redo_header *record)
{
    static const size_t sizes[] = {
        [REDO_OBJECT] = sizeof(struct redo_object), [REDO_WRITE] = sizeof(struct redo_write),
        [REDO_SIZE] = sizeof(struct redo_size),     [REDO_HOLE] = sizeof(struct redo_hole),
        [REDO_COMMIT] = sizeof(struct redo_commit), [REDO_DROP] = sizeof(struct redo_one),
        [REDO_FORGET] = sizeof(struct redo_one),    [REDO_TURNED] = 0,
        [REDO_FAILED] = sizeof(struct redo_one),
    };

    return record->type > 0 && record->type < sizeof(sizes) / sizeof(sizes[0]) &&
           body_size(record) >= sizes[record->type];
}

static int replay_record(struct replay *replay, const struct redo_header *record, bool last)
{
    const void *body = record + 1;

    if (!has_body(record))
        return -EUCLEAN;
    switch (record->type) {
    case REDO_OBJECT:
        return replay_object(replay, body);
    case REDO_WRITE:
        return replay_write(replay, body, body_size(record));
    case REDO_SIZE:
        return replay_size(replay, body);
    case REDO_HOLE:
        return replay_hole(replay, body);
    case REDO_COMMIT:
        return replay_commit(replay, body, body_size(record), last);
    case REDO_DROP:
        return replay_drop(replay, body);
    case REDO_FORGET:
        return replay_forget(replay, body);
    case REDO_TURNED:
        replay->turned = true;
        return 0;
    default:
        replay->failed = (int)((const struct redo_one *)body)->value;
        return 0;
    }
}

/* Finds the sequence of the last commit: it alone may be one that nobody was told of. */
static int find_last_commit(int fd, const struct superblock *superblock, uint64_t *sequence)
{
    struct half_reader reader;
    struct redo_header *record;
    int found;

    *sequence = 0;
    found = half_reader_begin(&reader, fd, superblock->half, superblock->generation);
    if (found)
        return found;
    while ((found = half_reader_next(&reader, &record)) > 0)
        if (record->type == REDO_COMMIT)
            *sequence = record->sequence;
    half_reader_end(&reader);
    return found;
}

static int replay_all(struct replay *replay, struct half_reader *reader, uint64_t last)
{
    struct half *half = &replay->journal->current;
    struct redo_header *record;
    int found;
    int error;

    while ((found = half_reader_next(reader, &record)) > 0) {
        replay->report.records++;
        error = replay_record(replay, record, record->sequence == last);
        if (error)
            return error > 0 ? 0 : error;
        half->end = reader->at;
        half->sequence = reader->sequence;
    }
    if (found == 0 && replay->crash)
        found = damage_find_lost(&replay->report, reader);
    return found;
}

int replay_run(struct replay *replay, const struct superblock *superblock)
{
    struct journal *journal = replay->journal;
    struct half_reader reader;
    uint64_t last;
    int error = find_last_commit(journal->fd, superblock, &last);

    replay->report.exists = true;
    replay->report.version = superblock->version;
    replay->report.generation = superblock->generation;
    journal->current.index = superblock->half;
    journal->next.index = 1 - superblock->half;
    half_begin(&journal->current, superblock->generation);
    if (!error)
        error = half_generation(journal->fd, journal->next.index, &journal->next.generation);
    if (!error)
        error = half_reader_begin(&reader, journal->fd, superblock->half, superblock->generation);
    if (error)
        return error;
    journal->replaying = true;
    error = replay_all(replay, &reader, last);
    journal->replaying = false;
    half_reader_end(&reader);
    return error;
}

/* Looks at one extent; true: a record has a wrong checksum. */
static int check_extent(struct journal *journal, const struct extent *extent, bool *wrong)
{
    uint64_t *checksums = journal->pools[POOL_JOURNAL].checksum + extent->block;
    int error = 0;

    for (uint64_t i = 0; i < extent->pages && !error; i++) {
        uint64_t checksum = 0;

        error = damage_checksum(journal, extent->block + i, &checksum);
        if (!error && checksum != checksums[i]) {
            checksums[i] = checksum;
            *wrong = true;
        }
    }
    return error;
}

int replay_check_uncommitted(struct journal *journal)
{
    struct journal_object **objects = NULL;
    ssize_t count = object_hold_all(journal, &objects);
    int error = count < 0 ? (int)count : 0;

    for (ssize_t i = 0; i < count; i++) {
        const struct extent_map *map = &objects[i]->layers[LAYER_UNCOMMITTED].map;

        for (struct extent *extent = extent_map_find(map, 0); extent != NULL && !error;
             extent = extent_map_next(extent))
            if (!(extent->block & REDO_SPILLED))
                error = check_extent(journal, extent, &objects[i]->relog);
        journal_leave(objects[i]);
    }
    free(objects);
    return error;
}
