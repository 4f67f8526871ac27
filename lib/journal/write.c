// SPDX-License-Identifier: BSD-2-Clause
/* Changes of an object that are not committed: writes, sizes, zeros; and taking them back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/journal/core.h"
#include "lib/redo/disk.h"

/* Every filesystem that has a journal has files of this size. */
#define LARGE (UINT64_C(8) << 30)

static uint64_t pages_of(uint64_t size)
{
    return size / REDO_PAGE + (size % REDO_PAGE != 0);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool are_pages(uint64_t offset, size_t size)
{
    return offset % REDO_PAGE == 0 && size % REDO_PAGE == 0;
}

/* Returns an object's size after it was written up to an end. */
static uint64_t size_after(const struct journal_object *object, uint64_t end)
{
    return larger(object->layers[LAYER_UNCOMMITTED].size, end);
}

/* Finds out whether the store can have a file of a size: what is committed must find its way there.
 * The journal's file tries it. */
static int check_size(struct journal *journal, uint64_t size)
{
    int error = 0;
    off_t end;

    if (size > INT64_MAX)
        return -EFBIG;
    if (size <= LARGE)
        return 0;
    error = room_ready(journal);
    if (error)
        return error;
    pthread_mutex_lock(&journal->lock);
    if (size > journal->large) {
        end = (off_t)(REDO_DATA_AT + blocks_end(&journal->pools[POOL_JOURNAL]) * REDO_PAGE);
        if (end < lseek(journal->fd, 0, SEEK_END))
            end = lseek(journal->fd, 0, SEEK_END);
        if (end < (off_t)size &&
            (ftruncate(journal->fd, (off_t)size) != 0 || ftruncate(journal->fd, end) != 0))
            error = -errno;
        if (!error)
            journal->large = size;
    }
    pthread_mutex_unlock(&journal->lock);
    return error;
}

/* Changes a part of one page. */
static int change_page(struct journal_object *object, int fd, uint64_t page, size_t at, size_t size,
                       const void *data, uint64_t new_size)
{
    uint8_t content[REDO_PAGE];
    int error = overlay_read_page(object, fd, page, content);

    if (error)
        return error;
    if (data != NULL)
        memcpy(content + at, data, size);
    else
        memset(content + at, 0, size);
    return place_pages(object, page, 1, content, false, new_size);
}

static int write_some(struct journal_object *object, int fd, const char *data, size_t size,
                      uint64_t offset, size_t *done)
{
    uint64_t page = offset / REDO_PAGE;
    size_t at = offset % REDO_PAGE;

    if (at != 0 || size < REDO_PAGE) {
        *done = size < REDO_PAGE - at ? size : REDO_PAGE - at;
        return change_page(object, fd, page, at, *done, data, size_after(object, offset + *done));
    }
    *done = size - size % REDO_PAGE;
    if (*done > PLACE_PAGES * REDO_PAGE)
        *done = PLACE_PAGES * REDO_PAGE;
    return place_pages(object, page, *done / REDO_PAGE, data, false,
                       size_after(object, offset + *done));
}

ssize_t journal_write(struct journal_object *object, int fd, const void *data, size_t size,
                      off_t offset)
{
    const char *from = data;
    struct placed placed;
    size_t all = 0;
    bool ahead;
    int error;

    if (offset < 0)
        return -EINVAL;
    size = size < SSIZE_MAX ? size : SSIZE_MAX;
    error = check_size(object->journal, (uint64_t)offset + size);
    if (error || size == 0)
        return error;
    apply_for_room(object->journal, pages_of(size) + 1);
    ahead = are_pages((uint64_t)offset, size) &&
            place_ahead(object, (uint64_t)offset / REDO_PAGE, size / REDO_PAGE, data, &placed);
    pthread_rwlock_wrlock(&object->lock);
    if (ahead) {
        error = place_enter(object, &placed, size_after(object, (uint64_t)offset + size));
        all = size;
    }
    for (size_t done; all < size && !error; all += done)
        error = write_some(object, fd, from + all, size - all, (uint64_t)offset + all, &done);
    pthread_rwlock_unlock(&object->lock);
    return error ? error : (ssize_t)size;
}

/* Zeros in the page of the new end, so that growing later brings nothing back. */
static int clear_tail(struct journal_object *object, int fd, uint64_t size)
{
    uint64_t old_size = object->layers[LAYER_UNCOMMITTED].size;
    size_t at = size % REDO_PAGE;

    if (size >= old_size || at == 0)
        return 0;
    return change_page(object, fd, size / REDO_PAGE, at, REDO_PAGE - at, NULL, old_size);
}

static int set_size(struct journal_object *object, uint64_t size, int64_t mtime, uint64_t limit)
{
    struct layer *layer = &object->layers[LAYER_UNCOMMITTED];
    const struct record_state state = { object->number, size, mtime };
    const struct extent_release release = { room_release_uncommitted, object };
    struct records records = { .size = 0 };
    int error = extent_map_prepare(&layer->map, 1);

    if (!error) {
        record_size(&records, &state, limit);
        error = room_append(object, &records);
    }
    records_clear(&records);
    if (error)
        return error;
    layer->size = size;
    layer->mtime = mtime;
    if (limit != UINT64_MAX)
        extent_map_set(&layer->map, pages_of(limit), EXTENT_END - pages_of(limit), EXTENT_HOLE,
                       &release);
    extent_map_relax(&layer->map);
    object_modified(object);
    return 0;
}

int journal_truncate(struct journal_object *object, int fd, off_t size)
{
    uint64_t wanted = (uint64_t)size;
    int error = size < 0 ? -EINVAL : check_size(object->journal, wanted);

    if (error)
        return error;
    apply_for_room(object->journal, 1);
    pthread_rwlock_wrlock(&object->lock);
    error = clear_tail(object, fd, wanted);
    if (!error)
        error = set_size(object, wanted, journal_time(),
                         wanted < object->layers[LAYER_UNCOMMITTED].size ? wanted : UINT64_MAX);
    pthread_rwlock_unlock(&object->lock);
    return error;
}

int journal_set_mtime(struct journal_object *object, int64_t mtime)
{
    int error = 0;

    pthread_rwlock_wrlock(&object->lock);
    // Otherwise the store's file has it already, and the journal has nothing.
    if (atomic_load(&object->live))
        error = set_size(object, object->layers[LAYER_UNCOMMITTED].size, mtime, UINT64_MAX);
    else
        for (unsigned i = 0; i < LAYERS; i++)
            object->layers[i].mtime = mtime;
    pthread_rwlock_unlock(&object->lock);
    return error;
}

static int zero_pages(struct journal_object *object, uint64_t page, uint64_t pages, uint64_t size)
{
    struct layer *layer = &object->layers[LAYER_UNCOMMITTED];
    const struct record_state state = { object->number, size, journal_time() };
    const struct extent_release release = { room_release_uncommitted, object };
    struct records records = { .size = 0 };
    int error = extent_map_prepare(&layer->map, 1);

    if (!error) {
        record_hole(&records, &state, page, pages);
        error = room_append(object, &records);
    }
    records_clear(&records);
    if (error)
        return error;
    extent_map_set(&layer->map, page, pages, EXTENT_HOLE, &release);
    extent_map_relax(&layer->map);
    layer->size = size;
    layer->mtime = state.mtime;
    object_modified(object);
    return 0;
}

/* Zeros from an offset to before another one, which `size` is not below. */
static int zero_range(struct journal_object *object, int fd, uint64_t from, uint64_t end,
                      uint64_t size)
{
    uint64_t first = pages_of(from);
    uint64_t last = end / REDO_PAGE;
    uint64_t old_size = object->layers[LAYER_UNCOMMITTED].size;
    int error = 0;

    if (last < first)
        return change_page(object, fd, last, from % REDO_PAGE, end - from, NULL, size);
    if (from % REDO_PAGE != 0)
        error = change_page(object, fd, first - 1, from % REDO_PAGE, REDO_PAGE - from % REDO_PAGE,
                            NULL, old_size);
    if (!error && end % REDO_PAGE != 0)
        error = change_page(object, fd, last, 0, end % REDO_PAGE, NULL, old_size);
    if (!error && last > first)
        error = zero_pages(object, first, last - first, size);
    else if (!error)
        error = set_size(object, size, journal_time(), UINT64_MAX);
    return error;
}

int journal_zero(struct journal_object *object, int fd, off_t offset, off_t length, bool keep_size)
{
    uint64_t end = (uint64_t)offset + (uint64_t)length;
    uint64_t size;
    int error;

    if (offset < 0 || length <= 0)
        return -EINVAL;
    error = check_size(object->journal, end);
    if (error)
        return error;
    apply_for_room(object->journal, 2);
    pthread_rwlock_wrlock(&object->lock);
    size = object->layers[LAYER_UNCOMMITTED].size;
    // Beyond the end there is nothing to make zeros of.
    if (end > size && keep_size)
        end = size;
    if (end > (uint64_t)offset)
        error = zero_range(object, fd, (uint64_t)offset, end, larger(end, size));
    pthread_rwlock_unlock(&object->lock);
    return error;
}

static void empty_uncommitted(struct journal_object *object)
{
    struct layer *layer = &object->layers[LAYER_UNCOMMITTED];
    const struct extent_release release = { room_release_uncommitted, object };

    extent_map_clear(&layer->map, &release);
    layer->changed = false;
    layer->size = object->layers[LAYER_COMMITTED].size;
    layer->mtime = object->layers[LAYER_COMMITTED].mtime;
    object->relog = false;
    object_update_live(object);
}

int journal_drop(struct journal_object *object)
{
    struct records records = { .size = 0 };
    int error = 0;

    pthread_rwlock_wrlock(&object->lock);
    if (object->layers[LAYER_UNCOMMITTED].changed) {
        record_one(&records, REDO_DROP, object->number);
        error = room_append(object, &records);
        if (!error)
            empty_uncommitted(object);
        records_clear(&records);
    }
    pthread_rwlock_unlock(&object->lock);
    return error;
}

void journal_forget(struct journal_object *object)
{
    struct journal *journal = object->journal;
    struct layer *committed = &object->layers[LAYER_COMMITTED];
    const struct extent_release release = { room_release_sealed, object };
    struct records records = { .size = 0 };

    pthread_rwlock_wrlock(&object->lock);
    if (atomic_load(&object->live)) {
        // Where there is no room for it, the object is found to be gone when it is to be applied.
        record_one(&records, REDO_FORGET, object->number);
        room_append(object, &records);
        records_clear(&records);
    }
    pthread_mutex_lock(&journal->lock);
    journal->forgot =
        journal->forgot || committed->changed || object->layers[LAYER_APPLYING].changed;
    if (!object->forgotten)
        identity_remove(object);
    object->forgotten = true;
    pthread_mutex_unlock(&journal->lock);
    extent_map_clear(&committed->map, &release);
    committed->changed = false;
    // The thread that applies it has its blocks, and clears it then.
    empty_uncommitted(object);
    pthread_rwlock_unlock(&object->lock);
}
