// SPDX-License-Identifier: BSD-2-Clause
/* The contents of an object at a place: the layers of the journal over the store's file. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/journal/core.h"
#include "lib/redo/disk.h"

static uint64_t min_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct segment overlay_find(const struct journal_object *object, enum layer_kind layer,
                            uint64_t page, uint64_t pages)
{
    for (unsigned i = layer; i < LAYERS; i++) {
        const struct extent *extent = extent_map_find(&object->layers[i].map, page);
        uint64_t skip;

        if (extent == NULL)
            continue;
        if (extent->first > page) {
            pages = min_of(pages, extent->first - page);
            continue;
        }
        skip = page - extent->first;
        pages = min_of(pages, extent->pages - skip);
        if (extent->block == EXTENT_HOLE)
            return (struct segment){ .kind = SEGMENT_ZEROS, .pages = pages };
        return (struct segment){ .kind = SEGMENT_BLOCKS,
                                 .pages = pages,
                                 .block = extent->block + skip };
    }
    return (struct segment){ .kind = SEGMENT_STORE, .pages = pages };
}

static int read_segment(const struct journal_object *object, const struct segment *segment, int fd,
                        void *data, size_t size, uint64_t offset)
{
    struct journal *journal = object->journal;

    switch (segment->kind) {
    case SEGMENT_STORE:
        return disk_read(fd, data, size, offset);
    case SEGMENT_BLOCKS:
        if (segment->block & REDO_SPILLED)
            return disk_read(journal->options.spill, data, size,
                             (segment->block & ~REDO_SPILLED) * REDO_PAGE + offset % REDO_PAGE);
        return disk_read(journal->fd, data, size,
                         REDO_DATA_AT + segment->block * REDO_PAGE + offset % REDO_PAGE);
    default:
        memset(data, 0, size);
        return 0;
    }
}

int overlay_read(const struct journal_object *object, enum layer_kind layer, int fd, void *data,
                 size_t size, uint64_t offset)
{
    uint64_t end = offset + size;
    char *to = data;

    while (offset < end) {
        uint64_t page = offset / REDO_PAGE;
        struct segment segment =
            overlay_find(object, layer, page, (end + REDO_PAGE - 1) / REDO_PAGE - page);
        size_t length = min_of(end, (page + segment.pages) * REDO_PAGE) - offset;
        int error = read_segment(object, &segment, fd, to, length, offset);

        if (error)
            return error;
        to += length;
        offset += length;
    }
    return 0;
}

int overlay_read_page(const struct journal_object *object, int fd, uint64_t page, void *data)
{
    uint64_t offset = page * REDO_PAGE;
    uint64_t size = object->layers[LAYER_UNCOMMITTED].size;
    size_t length = size > offset ? min_of(size - offset, REDO_PAGE) : 0;

    memset((char *)data + length, 0, REDO_PAGE - length);
    return overlay_read(object, LAYER_UNCOMMITTED, fd, data, length, offset);
}

ssize_t journal_read(struct journal_object *object, int fd, void *data, size_t size, off_t offset)
{
    uint64_t end;
    int error = 0;

    if (offset < 0)
        return -EINVAL;
    pthread_rwlock_rdlock(&object->lock);
    end = object->layers[LAYER_UNCOMMITTED].size;
    size = (uint64_t)offset < end ? min_of(size, end - (uint64_t)offset) : 0;
    size = min_of(size, SSIZE_MAX);
    if (size > 0)
        error = overlay_read(object, LAYER_UNCOMMITTED, fd, data, size, (uint64_t)offset);
    pthread_rwlock_unlock(&object->lock);
    return error ? error : (ssize_t)size;
}

/* Returns where data (or a hole) of the store's file is next, in a range; `end`: nowhere. */
static uint64_t seek_store(int fd, uint64_t from, uint64_t end, int whence)
{
    off_t found = lseek(fd, (off_t)from, whence);

    // Beyond the end of the store's file there is a hole.
    if (found < 0)
        return whence == SEEK_HOLE ? from : end;
    return min_of((uint64_t)found, end);
}

off_t overlay_seek(const struct journal_object *object, enum layer_kind layer, int fd,
                   uint64_t offset, uint64_t size, int whence)
{
    if (offset >= size)
        return -ENXIO;
    while (offset < size) {
        uint64_t page = offset / REDO_PAGE;
        struct segment segment = overlay_find(object, layer, page, EXTENT_END - page);
        uint64_t end = min_of((page + segment.pages) * REDO_PAGE, size);
        bool data = segment.kind == SEGMENT_BLOCKS;

        if (segment.kind == SEGMENT_STORE) {
            uint64_t found = seek_store(fd, offset, end, whence);
            if (found < end)
                return (off_t)found;
        } else if (data == (whence == SEEK_DATA)) {
            return (off_t)offset;
        }
        offset = end;
    }
    return whence == SEEK_HOLE ? (off_t)size : -ENXIO;
}

off_t journal_seek(struct journal_object *object, int fd, off_t offset, int whence)
{
    off_t found;

    if (whence != SEEK_DATA && whence != SEEK_HOLE)
        return -EINVAL;
    if (offset < 0)
        return -ENXIO;
    pthread_rwlock_rdlock(&object->lock);
    found = overlay_seek(object, LAYER_UNCOMMITTED, fd, (uint64_t)offset,
                         object->layers[LAYER_UNCOMMITTED].size, whence);
    pthread_rwlock_unlock(&object->lock);
    return found;
}

static struct statx_timestamp timestamp(int64_t time)
{
    int64_t seconds = time / 1000000000;
    int64_t rest = time % 1000000000;

    if (rest < 0) {
        seconds--;
        rest += 1000000000;
    }
    return (struct statx_timestamp){ .tv_sec = seconds, .tv_nsec = (uint32_t)rest };
}

static bool is_later(const struct statx_timestamp *a, const struct statx_timestamp *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

void journal_overlay_stat(struct journal_object *object, struct statx *stx)
{
    uint64_t blocks = 0;
    uint64_t most;

    pthread_rwlock_rdlock(&object->lock);
    if (atomic_load(&object->live)) {
        stx->stx_size = object->layers[LAYER_UNCOMMITTED].size;
        stx->stx_mtime = timestamp(object->layers[LAYER_UNCOMMITTED].mtime);
        if (is_later(&stx->stx_mtime, &stx->stx_ctime))
            stx->stx_ctime = stx->stx_mtime;
        for (unsigned i = 0; i < LAYERS; i++)
            blocks += object->layers[i].map.blocks * (REDO_PAGE / 512);
        // Pages may be in several places.
        most = (stx->stx_size + REDO_PAGE - 1) / REDO_PAGE * (REDO_PAGE / 512);
        most = most > stx->stx_blocks ? most : stx->stx_blocks;
        stx->stx_blocks = min_of(stx->stx_blocks + blocks, most);
    }
    pthread_rwlock_unlock(&object->lock);
}

off_t journal_committed_size(struct journal_object *object)
{
    off_t size;

    pthread_rwlock_rdlock(&object->lock);
    size = (off_t)object->layers[LAYER_COMMITTED].size;
    pthread_rwlock_unlock(&object->lock);
    return size;
}

bool journal_is_dirty(struct journal_object *object)
{
    bool dirty;

    pthread_rwlock_rdlock(&object->lock);
    dirty = object->layers[LAYER_UNCOMMITTED].changed || atomic_load(&object->metadata) ||
            object->last_commit > atomic_load(&object->journal->synced);
    pthread_rwlock_unlock(&object->lock);
    return dirty;
}

bool journal_is_uncommitted(struct journal_object *object, uint64_t *bytes)
{
    const struct layer *layer = &object->layers[LAYER_UNCOMMITTED];
    bool uncommitted;

    pthread_rwlock_rdlock(&object->lock);
    uncommitted = layer->changed;
    *bytes = layer->map.blocks * REDO_PAGE;
    pthread_rwlock_unlock(&object->lock);
    return uncommitted;
}

void journal_touch_metadata(struct journal_object *object)
{
    atomic_store(&object->metadata, true);
}
