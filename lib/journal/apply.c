// SPDX-License-Identifier: BSD-2-Clause
/* Committed data goes to the store's files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/journal/core.h"
#include "lib/journal/find.h"
#include "lib/redo/disk.h"
#include "lib/sys/cleanup.h"

/* Pages that are written with one call. */
#define APPLY_PAGES 256U

/* An apply has to give back that part of the limit. Otherwise one user who fills the journal with
 * data that he does not commit would have everybody else's commits applied one by one. */
#define PAYING_PART 8

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Holes first: what lies in one that ends nowhere was written after the file had been cut there. */
static int apply_hole(int fd, const struct extent *extent, uint64_t *size)
{
    uint64_t from = extent->first * REDO_PAGE;
    uint64_t end = extent->first + extent->pages;

    if (from >= *size)
        return 0;
    if (end < EXTENT_END)
        return disk_zero_store(fd, from, least(end * REDO_PAGE, *size));
    *size = from;
    return disk_resize_store(fd, from);
}

static int apply_holes(struct layer *layer, int fd, uint64_t *size)
{
    int error = 0;

    for (struct extent *extent = extent_map_find(&layer->map, 0); extent != NULL && !error;
         extent = extent_map_next(extent))
        if (extent->block == EXTENT_HOLE)
            error = apply_hole(fd, extent, size);
    return error;
}

/* Pages that follow each other, from several extents, until there is no more room for them. */
struct gathered {
    char *data;
    uint64_t page;
    uint64_t pages;
};

static int write_gathered(int fd, struct gathered *gathered, uint64_t size)
{
    uint64_t from = gathered->page * REDO_PAGE;
    uint64_t end = least(from + gathered->pages * REDO_PAGE, size);
    int error = 0;

    if (from < end)
        error = disk_write_store(fd, gathered->data, end - from, from);
    gathered->pages = 0;
    disk_point(DISK_POINT_APPLYING);
    return error;
}

static int gather_extent(struct journal_object *object, int fd, const struct extent *extent,
                         struct gathered *gathered)
{
    uint64_t size = object->layers[LAYER_APPLYING].size;
    int error = 0;

    for (uint64_t done = 0; done < extent->pages && !error;) {
        uint64_t pages;

        if (gathered->pages == APPLY_PAGES ||
            gathered->page + gathered->pages != extent->first + done)
            error = write_gathered(fd, gathered, size);
        if (error)
            break;
        if (gathered->pages == 0)
            gathered->page = extent->first + done;
        pages = least(extent->pages - done, APPLY_PAGES - gathered->pages);
        error = room_read(object->journal, extent->block + done, pages,
                          gathered->data + gathered->pages * REDO_PAGE);
        gathered->pages += pages;
        done += pages;
    }
    return error;
}

static int apply_pages(struct journal_object *object, int fd)
{
    struct layer *layer = &object->layers[LAYER_APPLYING];
    CLEANUP_FREE char *data = malloc(APPLY_PAGES * REDO_PAGE);
    struct gathered gathered = { .data = data };
    int error = data != NULL ? 0 : -ENOMEM;

    for (struct extent *extent = extent_map_find(&layer->map, 0); extent != NULL && !error;
         extent = extent_map_next(extent))
        if (extent->block != EXTENT_HOLE)
            error = gather_extent(object, fd, extent, &gathered);
    return error ? error : write_gathered(fd, &gathered, layer->size);
}

int apply_object(struct journal_object *object, int fd)
{
    struct layer *layer = &object->layers[LAYER_APPLYING];
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                 { .tv_sec = (time_t)(layer->mtime / 1000000000),
                                   .tv_nsec = layer->mtime % 1000000000 } };
    struct stat st;
    uint64_t size;
    int error;

    if (fstat(fd, &st) != 0)
        return -errno;
    size = (uint64_t)st.st_size;
    error = apply_holes(layer, fd, &size);
    if (!error)
        error = apply_pages(object, fd);
    if (!error)
        error = disk_resize_store(fd, layer->size);
    if (times[1].tv_nsec < 0) {
        times[1].tv_sec--;
        times[1].tv_nsec += 1000000000;
    }
    if (!error && futimens(fd, times) != 0)
        error = -errno;
    return error ? error : disk_sync_store(fd, false);
}

/* All that is committed is to be applied, over what could not be applied earlier. */
static int begin_object(struct journal_object *object)
{
    struct layer *committed = &object->layers[LAYER_COMMITTED];
    struct layer *applying = &object->layers[LAYER_APPLYING];
    const struct extent_release release = { room_release_sealed, object };
    int error = 0;

    pthread_rwlock_wrlock(&object->lock);
    if (committed->changed) {
        error = extent_map_overlay(&applying->map, &committed->map, &release);
        if (!error) {
            applying->changed = true;
            applying->size = committed->size;
            applying->mtime = committed->mtime;
            committed->changed = false;
        }
    }
    pthread_rwlock_unlock(&object->lock);
    return error;
}

static int finish_object(struct journal_object *object)
{
    int fd;
    int error;

    if (!object->layers[LAYER_APPLYING].changed)
        return 0;
    fd = find_open(object);
    error = fd < 0 ? fd : apply_object(object, fd);
    if (fd >= 0)
        close(fd);
    // Nobody will read what has gone.
    if (error == -ESTALE)
        error = 0;
    object->applied = error == 0;
    return error;
}

int apply_sync_commits(struct journal *journal)
{
    uint64_t number;
    int error;

    pthread_mutex_lock(&journal->lock);
    number = journal->commits;
    pthread_mutex_unlock(&journal->lock);
    if (number <= atomic_load(&journal->synced))
        return 0;
    error = room_sync(journal);
    if (!error)
        journal_note_synced(journal, number);
    return error;
}

int apply_begin(struct journal_object **objects, size_t count)
{
    int error = 0;

    for (size_t i = 0; i < count && !error; i++)
        error = begin_object(objects[i]);
    return error;
}

static int apply_all(struct journal *journal, struct journal_object **objects, size_t count)
{
    int first_error = 0;
    int error = apply_begin(objects, count);

    if (!error)
        error = apply_sync_commits(journal);
    if (error)
        return error;
    for (size_t i = 0; i < count; i++) {
        error = finish_object(objects[i]);
        first_error = first_error ? first_error : error;
    }
    disk_point(DISK_POINT_APPLIED);
    error = turn_over(journal);
    return first_error ? first_error : error;
}

int apply_locked(struct journal *journal)
{
    struct journal_object **objects = NULL;
    ssize_t count;
    int error;

    // The store's files do not stay as they are.
    journal_point_break(journal);
    if (journal_file(journal) < 0)
        return 0;
    if (atomic_load(&journal->error))
        return -EIO;
    count = object_hold_all(journal, &objects);
    if (count < 0)
        return (int)count;
    pthread_mutex_lock(&journal->lock);
    journal->applied_commits = journal->commits;
    journal->last_apply = journal_now();
    pthread_mutex_unlock(&journal->lock);
    error = apply_all(journal, objects, (size_t)count);
    for (ssize_t i = 0; i < count; i++)
        journal_leave(objects[i]);
    free(objects);
    pthread_mutex_lock(&journal->lock);
    journal->applies++;
    journal->apply_error = -error;
    journal->left = journal->pools[POOL_JOURNAL].count;
    pthread_mutex_unlock(&journal->lock);
    return error;
}

int journal_apply(struct journal *journal)
{
    int error;

    pthread_mutex_lock(&journal->applying);
    error = apply_locked(journal);
    pthread_mutex_unlock(&journal->applying);
    return error;
}

int journal_apply_if_wanted(struct journal *journal, uint64_t idle)
{
    int error = 0;

    pthread_mutex_lock(&journal->applying);
    if (journal_wants_apply(journal, idle))
        error = apply_locked(journal);
    pthread_mutex_unlock(&journal->applying);
    return error;
}

bool apply_pays(const struct journal *journal, uint64_t pages)
{
    return journal->commits > journal->applied_commits &&
           journal->pools[POOL_JOURNAL].count + pages >
               journal->left + journal->limit / PAYING_PART;
}

/* The holder of a point has as much room again before it ends. */
static bool lacks_room(struct journal *journal, uint64_t pages)
{
    uint64_t limit;
    bool lacks;

    pthread_mutex_lock(&journal->lock);
    limit = point_is_held(journal) ? 2 * journal->limit : journal->limit;
    lacks = journal->fd >= 0 && journal->apply_error == 0 &&
            ((journal->pools[POOL_JOURNAL].count + pages > limit && apply_pays(journal, pages)) ||
             journal->current.end > REDO_HALF_SIZE / 4 + 2 * journal->turned_end);
    pthread_mutex_unlock(&journal->lock);
    return lacks;
}

void apply_for_room(struct journal *journal, uint64_t pages)
{
    if (!lacks_room(journal, pages))
        return;
    pthread_mutex_lock(&journal->applying);
    // Another one may have made room meanwhile.
    if (lacks_room(journal, pages))
        apply_locked(journal);
    pthread_mutex_unlock(&journal->applying);
}
