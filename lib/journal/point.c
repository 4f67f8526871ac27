// SPDX-License-Identifier: BSD-2-Clause
/*
 * Points: what was committed until some moment stays readable, as one.
 *
 * At a point all that is committed becomes what is to be applied next, between two commits; and
 * nothing is applied while somebody has the point. So the layer to be applied over the store's file
 * is each file as it was at the point, and later commits are in the layer above.
 *
 * A reader holds nobody up: the point may end while he reads, and what is applied then would be
 * torn. So he looks afterwards whether it is still there. It ends before anything is applied.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/journal/core.h"
#include "lib/redo/disk.h"

bool point_is_held(struct journal *journal)
{
    if (journal->point != 0 && journal_now() >= journal->point_end)
        journal->point = 0;
    return journal->point != 0;
}

void journal_point_break(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    journal->point = 0;
    pthread_mutex_unlock(&journal->lock);
}

int journal_point_leave(struct journal *journal, uint64_t point)
{
    bool held;

    pthread_mutex_lock(&journal->lock);
    held = point_is_held(journal) && journal->point == point;
    if (held)
        journal->point = 0;
    pthread_mutex_unlock(&journal->lock);
    return held ? 0 : -ESTALE;
}

/* Returns whether the point is there, and lets it last from now on. */
static bool keep_point(struct journal *journal, uint64_t point)
{
    bool held;

    pthread_mutex_lock(&journal->lock);
    held = point_is_held(journal) && journal->point == point;
    if (held)
        journal->point_end = journal_now() + POINT_NANOSECONDS;
    pthread_mutex_unlock(&journal->lock);
    return held;
}

static bool is_taken(struct journal *journal, unsigned rank)
{
    bool taken;

    pthread_mutex_lock(&journal->lock);
    taken = point_is_held(journal) && journal->point_rank >= rank;
    pthread_mutex_unlock(&journal->lock);
    return taken;
}

static uint64_t begin_point(struct journal *journal, unsigned rank)
{
    uint64_t now = journal_now();

    pthread_mutex_lock(&journal->lock);
    journal->point = now;
    journal->point_end = now + POINT_NANOSECONDS;
    journal->point_rank = rank;
    pthread_mutex_unlock(&journal->lock);
    return now;
}

/* From here on nothing is committed. */
static void pause_commits(struct journal *journal)
{
    pthread_mutex_lock(&journal->group);
    while (journal->led)
        pthread_cond_wait(&journal->committed, &journal->group);
    journal->led = true;
    pthread_mutex_unlock(&journal->group);
}

static void resume_commits(struct journal *journal)
{
    pthread_mutex_lock(&journal->group);
    journal->led = false;
    pthread_cond_broadcast(&journal->committed);
    pthread_mutex_unlock(&journal->group);
}

/* Sets apart, between two commits, what is committed. */
static int set_apart(struct journal *journal)
{
    struct journal_object **objects = NULL;
    ssize_t count;
    int error;

    pause_commits(journal);
    count = object_hold_all(journal, &objects);
    error = count < 0 ? (int)count : apply_begin(objects, (size_t)count);
    resume_commits(journal);
    for (ssize_t i = 0; i < count; i++)
        journal_leave(objects[i]);
    free(objects);
    if (!error && journal_file(journal) >= 0)
        error = apply_sync_commits(journal);
    return error;
}

static int take_point(struct journal *journal, unsigned rank, uint64_t *point)
{
    int error;

    if (is_taken(journal, rank))
        return -EBUSY;
    // There is room for commits to come. Commits that cannot be applied can be read all the same.
    apply_locked(journal);
    error = set_apart(journal);
    if (!error)
        *point = begin_point(journal, rank);
    return error;
}

int journal_point_take(struct journal *journal, unsigned rank, uint64_t *point)
{
    int error;

    pthread_mutex_lock(&journal->applying);
    error = take_point(journal, rank, point);
    pthread_mutex_unlock(&journal->applying);
    return error;
}

/* Finds what the journal knows of a file, in any layer. */
static struct journal_object *hold_known(struct journal *journal, const struct statx *stx)
{
    struct journal_object *object;

    pthread_mutex_lock(&journal->lock);
    object = object_by_identity(journal, stx->stx_ino, object_birth(stx));
    if (object != NULL)
        object->references++;
    pthread_mutex_unlock(&journal->lock);
    return object;
}

static int stat_store(int fd, struct journal_piece *piece)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return -errno;
    piece->size = (uint64_t)st.st_size;
    piece->mtime = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
    return 0;
}

static size_t at_most(uint64_t length, size_t size)
{
    return length < size ? (size_t)length : size;
}

/* Nothing of the file waits: the store's file is all there is. */
static ssize_t read_store(int fd, void *data, size_t size, struct journal_piece *piece)
{
    int error = stat_store(fd, piece);
    off_t found;
    off_t end;

    if (error || piece->offset >= piece->size)
        return error;
    found = lseek(fd, (off_t)piece->offset, SEEK_DATA);
    if (found < 0)
        return errno == ENXIO ? 0 : -errno;
    end = lseek(fd, found, SEEK_HOLE);
    if (end < 0)
        return -errno;
    piece->offset = (uint64_t)found;
    size = at_most((uint64_t)(end - found), size);
    error = disk_read(fd, data, size, piece->offset);
    return error ? error : (ssize_t)size;
}

/* The caller has the object's lock. */
static ssize_t read_layers(const struct journal_object *object, int fd, void *data, size_t size,
                           struct journal_piece *piece)
{
    const struct layer *layer = &object->layers[LAYER_APPLYING];
    off_t found;
    off_t end;
    int error;

    if (!layer->changed)
        return read_store(fd, data, size, piece);
    piece->size = layer->size;
    piece->mtime = layer->mtime;
    found = overlay_seek(object, LAYER_APPLYING, fd, piece->offset, layer->size, SEEK_DATA);
    if (found < 0)
        return found == -ENXIO ? 0 : found;
    end = overlay_seek(object, LAYER_APPLYING, fd, (uint64_t)found, layer->size, SEEK_HOLE);
    if (end < 0)
        return end;
    piece->offset = (uint64_t)found;
    size = at_most((uint64_t)(end - found), size);
    error = overlay_read(object, LAYER_APPLYING, fd, data, size, piece->offset);
    return error ? error : (ssize_t)size;
}

ssize_t journal_point_read(struct journal *journal, uint64_t point, const struct statx *stx, int fd,
                           void *data, size_t size, struct journal_piece *piece)
{
    struct journal_object *object;
    ssize_t length;

    if (!keep_point(journal, point))
        return -ESTALE;
    object = hold_known(journal, stx);
    if (object != NULL) {
        pthread_rwlock_rdlock(&object->lock);
        length = read_layers(object, fd, data, size, piece);
        pthread_rwlock_unlock(&object->lock);
        journal_leave(object);
    } else {
        length = read_store(fd, data, size, piece);
    }
    return keep_point(journal, point) ? length : -ESTALE;
}
