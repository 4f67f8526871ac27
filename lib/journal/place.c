// SPDX-License-Identifier: BSD-2-Clause
/* Uncommitted pages get blocks: those that they have, or others. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "lib/journal/core.h"
#include "lib/redo/disk.h"

/* Pages that have been written to blocks in a row. */
struct run {
    uint64_t page;
    uint64_t pages;
    uint64_t block;
    bool fresh; // the layer does not have these blocks yet
};

struct placing {
    struct journal_object *object;
    struct record_state state; // afterwards
    struct records records;
    struct run runs[PLACE_PAGES];
    size_t count;
    bool to_journal;
};

static bool is_full(int error)
{
    return error == -ENOSPC || error == -EDQUOT;
}

static uint64_t shorter(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Writes to fresh blocks of one pool. */
static int write_fresh(struct placing *placing, enum pool pool, struct run *run, const void *data)
{
    struct journal *journal = placing->object->journal;
    uint64_t got = room_take(journal, pool, run->pages, &run->block);
    int error;

    if (got == 0)
        return -ENOMEM;
    run->pages = got;
    run->fresh = true;
    error = room_write(journal, run->block, got, data);
    if (error)
        room_give(journal, run->block, got);
    return error;
}

/* Where the store is full, or its disk fails, RAM may have room. */
static int write_somewhere(struct placing *placing, struct run *run, const void *data)
{
    bool can_spill = placing->object->journal->options.spill >= 0 && !placing->to_journal;
    uint64_t wanted = run->pages;
    int error = -ENOSPC;

    if (!can_spill || !placing->object->spills)
        error = write_fresh(placing, POOL_JOURNAL, run, data);
    if (can_spill && (is_full(error) || error == -EIO)) {
        int spill_error;

        run->pages = wanted;
        spill_error = write_fresh(placing, POOL_SPILL, run, data);
        // Uncommitted data of objects that spill has the store to go to, too.
        if (is_full(spill_error) && placing->object->spills) {
            run->pages = wanted;
            spill_error = write_fresh(placing, POOL_JOURNAL, run, data);
        }
        error = spill_error;
    }
    return is_full(error) ? -ENOSPC : error;
}

/* Writes pages over their own uncommitted blocks, or to fresh ones; shortens the run to what it
 * could do. */
static int write_run(struct placing *placing, struct run *run, const void *data)
{
    struct layer *layer = &placing->object->layers[LAYER_UNCOMMITTED];
    const struct extent *extent = extent_map_find(&layer->map, run->page);
    uint64_t end = run->page + run->pages;
    bool here = extent != NULL && extent->first <= run->page;

    if (here && extent->block != EXTENT_HOLE &&
        !(placing->to_journal && extent->block & REDO_SPILLED)) {
        run->pages = shorter(run->pages, extent->first + extent->pages - run->page);
        run->block = extent->block + (run->page - extent->first);
        return room_write(placing->object->journal, run->block, run->pages, data);
    }
    // Blocks that come later are written over in their turn.
    while (extent != NULL && (extent->first <= run->page || extent->block == EXTENT_HOLE))
        extent = extent_map_next(extent);
    if (extent != NULL && !placing->to_journal)
        run->pages = shorter(end, extent->first) - run->page;
    return write_somewhere(placing, run, data);
}

static void record_run(struct placing *placing, const struct run *run, const char *data)
{
    uint64_t checksums[PLACE_PAGES];

    if (run->block & REDO_SPILLED) {
        record_write(&placing->records, &placing->state, run->page, run->pages, run->block, NULL);
        return;
    }
    for (uint64_t i = 0; i < run->pages; i++)
        checksums[i] = XXH3_64bits(data + i * REDO_PAGE, REDO_PAGE);
    room_set_checksums(placing->object->journal, run->block, run->pages, checksums);
    record_write(&placing->records, &placing->state, run->page, run->pages, run->block, checksums);
}

static int write_runs(struct placing *placing, uint64_t page, uint64_t pages, const char *data)
{
    for (uint64_t done = 0; done < pages;) {
        struct run *run = &placing->runs[placing->count];
        int error;

        *run = (struct run){ .page = page + done, .pages = pages - done };
        error = write_run(placing, run, data + done * REDO_PAGE);
        if (error)
            return error;
        record_run(placing, run, data + done * REDO_PAGE);
        placing->count++;
        done += run->pages;
    }
    return 0;
}

/* The records are there: so are the pages. */
static void enter_runs(struct placing *placing)
{
    struct journal_object *object = placing->object;
    struct layer *layer = &object->layers[LAYER_UNCOMMITTED];
    const struct extent_release release = { room_release_uncommitted, object };

    for (size_t i = 0; i < placing->count; i++) {
        const struct run *run = &placing->runs[i];

        if (run->fresh)
            extent_map_set(&layer->map, run->page, run->pages, run->block, &release);
    }
    layer->size = placing->state.size;
    layer->mtime = placing->state.mtime;
    object_modified(object);
}

/* Data that is written over blocks of its own stays, with records that do not fit. */
static void undo_runs(struct placing *placing)
{
    for (size_t i = 0; i < placing->count; i++) {
        const struct run *run = &placing->runs[i];

        if (run->fresh)
            room_give(placing->object->journal, run->block, run->pages);
        else
            placing->object->relog = true;
    }
}

/* Has records tell of what was written to blocks, unless that failed. */
static int record_runs(struct placing *placing, int error)
{
    struct layer *layer = &placing->object->layers[LAYER_UNCOMMITTED];

    disk_point(DISK_POINT_WRITTEN);
    if (!error)
        error = room_append(placing->object, &placing->records);
    disk_point(DISK_POINT_RECORDED);
    if (error)
        undo_runs(placing);
    else
        enter_runs(placing);
    extent_map_relax(&layer->map);
    records_clear(&placing->records);
    return error;
}

static int place(struct placing *placing, uint64_t page, uint64_t pages, const void *data)
{
    struct layer *layer = &placing->object->layers[LAYER_UNCOMMITTED];
    int error = extent_map_prepare(&layer->map, pages);

    return record_runs(placing, error ? error : write_runs(placing, page, pages, data));
}

/* Returns whether no page has an uncommitted block, which would be written over. */
static bool are_fresh(struct journal_object *object, uint64_t page, uint64_t pages)
{
    const struct extent *extent;
    bool fresh;

    pthread_rwlock_rdlock(&object->lock);
    extent = extent_map_find(&object->layers[LAYER_UNCOMMITTED].map, page);
    while (extent != NULL && extent->block == EXTENT_HOLE)
        extent = extent_map_next(extent);
    fresh = extent == NULL || extent->first >= page + pages;
    pthread_rwlock_unlock(&object->lock);
    return fresh;
}

bool place_ahead(struct journal_object *object, uint64_t page, uint64_t pages, const void *data,
                 struct placed *placed)
{
    struct journal *journal = object->journal;
    uint64_t got;

    if (pages > PLACE_PAGES || object->spills || room_ready(journal) != 0 ||
        !are_fresh(object, page, pages))
        return false;
    got = room_take(journal, POOL_JOURNAL, pages, &placed->block);
    // Data that needs more than one run, or has no room, is placed under the lock.
    if (got == 0)
        return false;
    if (got < pages || room_write(journal, placed->block, pages, data) != 0) {
        room_give(journal, placed->block, got);
        return false;
    }
    placed->page = page;
    placed->pages = pages;
    for (uint64_t i = 0; i < pages; i++)
        placed->checksums[i] = XXH3_64bits((const char *)data + i * REDO_PAGE, REDO_PAGE);
    return true;
}

int place_enter(struct journal_object *object, const struct placed *placed, uint64_t size)
{
    struct placing placing = { .object = object, .count = 1 };

    placing.runs[0] = (struct run){ placed->page, placed->pages, placed->block, .fresh = true };
    placing.state = record_state_of(object, LAYER_UNCOMMITTED);
    placing.state.size = size;
    placing.state.mtime = journal_time();
    room_set_checksums(object->journal, placed->block, placed->pages, placed->checksums);
    record_write(&placing.records, &placing.state, placed->page, placed->pages, placed->block,
                 placed->checksums);
    return record_runs(&placing, extent_map_prepare(&object->layers[LAYER_UNCOMMITTED].map, 1));
}

int place_pages(struct journal_object *object, uint64_t page, uint64_t pages, const void *data,
                bool to_journal, uint64_t size)
{
    struct placing placing = { .object = object, .to_journal = to_journal };
    int error = room_ready(object->journal);

    if (error)
        return error;
    placing.state = record_state_of(object, LAYER_UNCOMMITTED);
    placing.state.size = size;
    // Moving blocks changes nothing that anybody sees.
    if (!to_journal)
        placing.state.mtime = journal_time();
    return place(&placing, page, pages, data);
}

ssize_t place_unspill(struct journal_object *object, uint64_t most)
{
    struct layer *layer = &object->layers[LAYER_UNCOMMITTED];
    struct extent *extent = extent_map_find(&layer->map, 0);
    uint64_t pages;
    char *data;
    int error;

    while (extent != NULL && (extent->block == EXTENT_HOLE || !(extent->block & REDO_SPILLED)))
        extent = extent_map_next(extent);
    if (extent == NULL)
        return 0;
    pages = shorter(shorter(extent->pages, most), PLACE_PAGES);
    data = malloc(pages * REDO_PAGE);
    if (data == NULL)
        return -ENOMEM;
    error = room_read(object->journal, extent->block, pages, data);
    if (!error)
        error = place_pages(object, extent->first, pages, data, true, layer->size);
    free(data);
    return error ? error : (ssize_t)pages;
}
