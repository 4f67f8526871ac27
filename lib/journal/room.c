// SPDX-License-Identifier: BSD-2-Clause
/* Room in the journal's file, and in the spill file: blocks for pages, and records. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/journal/core.h"
#include "lib/redo/disk.h"
#include "lib/redo/location.h"
#include "lib/redo/superblock.h"

/* Blocks for which the disk makes room when the file is made: syncs of blocks that are there
 * already cost less. */
#define WARM_DATA (UINT64_C(16) << 20)

static int create(struct journal *journal)
{
    struct superblock superblock = { .size = journal->options.size, .generation = 1 };
    struct records turned = { .size = 0 };
    int fd = location_create(journal->store);
    int error;

    if (fd < 0)
        return fd;
    journal->current.warm = journal->next.warm = 0;
    half_begin(&journal->current, superblock.generation);
    memcpy(superblock.session, journal->options.session, sizeof(superblock.session));
    error = superblock_write(fd, &superblock);
    // A file with records has a superblock, or is damaged.
    if (!error)
        error = disk_sync(fd);
    if (!error) {
        half_warm(fd, &journal->current);
        half_warm(fd, &journal->next);
        // It goes without.
        disk_warm(fd, WARM_DATA, REDO_DATA_AT);
        record_one(&turned, REDO_TURNED, 0);
        error = half_append(fd, &journal->current, &turned);
        records_clear(&turned);
    }
    if (error) {
        close(fd);
        location_remove(journal->store);
        return error;
    }
    journal->fd = fd;
    return 0;
}

int room_ready(struct journal *journal)
{
    int error = 0;

    pthread_mutex_lock(&journal->lock);
    if (journal->fd < 0)
        error = create(journal);
    pthread_mutex_unlock(&journal->lock);
    return error;
}

static enum pool pool_of(uint64_t block)
{
    return block & REDO_SPILLED ? POOL_SPILL : POOL_JOURNAL;
}

static uint64_t index_of(uint64_t block)
{
    return block & ~REDO_SPILLED;
}

struct blocks *room_pool(struct journal *journal, uint64_t block)
{
    return &journal->pools[pool_of(block)];
}

static int file_of(const struct journal *journal, uint64_t block)
{
    return pool_of(block) == POOL_SPILL ? journal->options.spill : journal->fd;
}

static uint64_t offset_of(uint64_t block)
{
    return index_of(block) * REDO_PAGE + (pool_of(block) == POOL_SPILL ? 0 : REDO_DATA_AT);
}

int room_write(struct journal *journal, uint64_t block, uint64_t pages, const void *data)
{
    return disk_write(file_of(journal, block), data, pages * REDO_PAGE, offset_of(block));
}

int room_read(struct journal *journal, uint64_t block, uint64_t pages, void *data)
{
    return disk_read(file_of(journal, block), data, pages * REDO_PAGE, offset_of(block));
}

uint64_t room_take(struct journal *journal, enum pool pool, uint64_t wanted, uint64_t *block)
{
    uint64_t got;

    pthread_mutex_lock(&journal->lock);
    got = blocks_take(&journal->pools[pool], wanted, block);
    pthread_mutex_unlock(&journal->lock);
    if (pool == POOL_SPILL)
        *block |= REDO_SPILLED;
    return got;
}

void room_give(struct journal *journal, uint64_t block, uint64_t pages)
{
    // RAM is given back at once; in a replay it may have what comes later.
    if (pool_of(block) == POOL_SPILL && !journal->replaying)
        fallocate(journal->options.spill, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  (off_t)offset_of(block), (off_t)(pages * REDO_PAGE));
    pthread_mutex_lock(&journal->lock);
    blocks_give(room_pool(journal, block), index_of(block), pages);
    if (journal->left > journal->pools[POOL_JOURNAL].count)
        journal->left = journal->pools[POOL_JOURNAL].count;
    pthread_mutex_unlock(&journal->lock);
}

void room_release_uncommitted(void *context, uint64_t block, uint64_t pages)
{
    const struct journal_object *object = context;

    room_give(object->journal, block, pages);
}

void room_release_sealed(void *context, uint64_t block, uint64_t pages)
{
    const struct journal_object *object = context;
    struct journal *journal = object->journal;

    pthread_mutex_lock(&journal->lock);
    blocks_kill(room_pool(journal, block), index_of(block), pages,
                journal->turning && object->in_next);
    pthread_mutex_unlock(&journal->lock);
}

void room_set_checksums(struct journal *journal, uint64_t block, uint64_t pages,
                        const uint64_t *checksums)
{
    pthread_mutex_lock(&journal->lock);
    memcpy(room_pool(journal, block)->checksum + index_of(block), checksums,
           pages * sizeof(*checksums));
    pthread_mutex_unlock(&journal->lock);
}

struct record_state record_state_of(const struct journal_object *object, enum layer_kind layer)
{
    return (struct record_state){ .object = object->number,
                                  .size = object->layers[layer].size,
                                  .mtime = object->layers[layer].mtime };
}

void room_describe(struct journal_object *object, struct records *records)
{
    struct redo_object body = {
        .object = object->number,
        .inode = object->inode,
        .birth = object->birth,
        .size = object->layers[LAYER_APPLYING].size,
        .mtime = (uint64_t)object->layers[LAYER_APPLYING].mtime,
        .flags = object->spills ? REDO_OBJECT_SPILLS : 0,
        .handle_type = object->handle.type,
        .handle_length = object->handle.length,
    };

    static_assert(sizeof(object->handle.bytes) <= sizeof(body.handle), "handles have room");
    memcpy(body.handle, object->handle.bytes, object->handle.length);
    record_object(records, &body);
}

static void describe_extent(struct journal *journal, const struct extent *extent,
                            const struct record_state *state, struct records *records)
{
    if (extent->block == EXTENT_HOLE) {
        record_hole(records, state, extent->first, extent->pages);
        return;
    }
    for (uint64_t done = 0; done < extent->pages; done += REDO_WRITE_PAGES) {
        uint64_t pages = extent->pages - done;
        uint64_t block = extent->block + done;

        if (pages > REDO_WRITE_PAGES)
            pages = REDO_WRITE_PAGES;
        record_write(records, state, extent->first + done, pages, block,
                     block & REDO_SPILLED ? NULL : journal->pools[POOL_JOURNAL].checksum + block);
    }
}

void room_describe_map(struct journal_object *object, const struct extent_map *map,
                       const struct record_state *state, struct records *records)
{
    for (struct extent *extent = extent_map_find(map, 0); extent != NULL;
         extent = extent_map_next(extent))
        describe_extent(object->journal, extent, state, records);
}

void room_fail(struct journal *journal, int error)
{
    int none = 0;

    if (!atomic_compare_exchange_strong(&journal->error, &none, -error))
        return;
    if (journal->options.tell != NULL)
        journal->options.tell(journal->options.context,
                              "the disk of the journal fails; nothing can be committed any more");
}

/* The disk has failed, and nothing more can be said to the next worker. */
static bool is_failure(int error)
{
    return error == -EIO || error == -EROFS;
}

static int append_to_both(struct journal_object *object, struct records *records)
{
    struct journal *journal = object->journal;
    int error = half_append(journal->fd, &journal->current, records);

    if (!error && journal->turning && object->in_next && journal->turn_error == 0)
        journal->turn_error = half_append(journal->fd, &journal->next, records);
    return error;
}

/* Introduces an object to the current generation. One that is new to it is new to the next one,
 * too, and has nothing there. */
static int introduce_to_halves(struct journal_object *object)
{
    struct records records = { .size = 0 };
    int error;

    if (object->logged)
        return 0;
    object->in_next = object->journal->turning;
    room_describe(object, &records);
    error = append_to_both(object, &records);
    records_clear(&records);
    object->logged = error == 0;
    object->in_next = object->in_next && object->logged;
    return error;
}

int room_append(struct journal_object *object, struct records *records)
{
    struct journal *journal = object->journal;
    int error = records->failed ? -ENOMEM : room_ready(journal);

    if (error)
        return error;
    pthread_mutex_lock(&journal->lock);
    error = introduce_to_halves(object);
    if (!error)
        error = append_to_both(object, records);
    journal->last_use = journal_now();
    pthread_mutex_unlock(&journal->lock);
    if (is_failure(error)) {
        room_fail(journal, error);
        error = 0;
    }
    return error;
}

/* All records up to here, of the current half and the next one, will be on disk. */
static void note_records(struct journal *journal, struct half *current, struct half *next)
{
    pthread_mutex_lock(&journal->lock);
    *current = journal->current;
    *next = journal->next;
    pthread_mutex_unlock(&journal->lock);
}

static void note_synced_half(struct half *half, const struct half *then)
{
    if (half->generation == then->generation && then->sequence - 1 > half->synced)
        half->synced = then->sequence - 1;
}

static void note_synced_records(struct journal *journal, const struct half *current,
                                const struct half *next)
{
    pthread_mutex_lock(&journal->lock);
    note_synced_half(&journal->current, current);
    note_synced_half(&journal->current, next);
    pthread_mutex_unlock(&journal->lock);
}

int room_sync(struct journal *journal)
{
    struct records failed = { .size = 0 };
    struct half current;
    struct half next;
    int error;

    note_records(journal, &current, &next);
    error = atomic_load(&journal->error) ? -EIO : disk_sync(journal->fd);
    if (!error) {
        note_synced_records(journal, &current, &next);
        return 0;
    }
    room_fail(journal, error);
    // The next worker must not take the kernel's silence for success.
    record_one(&failed, REDO_FAILED, (uint64_t)-error);
    pthread_mutex_lock(&journal->lock);
    half_append(journal->fd, &journal->current, &failed);
    pthread_mutex_unlock(&journal->lock);
    records_clear(&failed);
    return error;
}
