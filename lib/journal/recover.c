// SPDX-License-Identifier: BSD-2-Clause
/* After a crash: what was committed goes to the store's files. */
#include "lib/journal/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/area/store_lock.h"
#include "lib/journal/core.h"
#include "lib/journal/damage.h"
#include "lib/journal/find.h"
#include "lib/redo/disk.h"
#include "lib/redo/location.h"

#define WHERE STORE_PRIVATE "/" JOURNAL_FILE

static int complain_of_opening(struct complaint *complaint, int error)
{
    if (error == -ENOENT)
        return error;
    if (error == -EROFS)
        return complain(complaint, EROFS,
                        "%s has what was committed and the store is read-only; make it writable, "
                        "and recover it with shmapctl recover STORE",
                        WHERE);
    if (error == -EPERM)
        return complain(complaint, EPERM,
                        "%s is not this user's own file, or others may write to it, so it is not "
                        "believed; let its owner run shmapctl recover STORE, or remove it if "
                        "nobody here has made it",
                        WHERE);
    return complain(complaint, -error, "%s cannot be opened: %s", WHERE, strerror(-error));
}

/* Returns whether no record ever was in the file: the daemon ended before anything was on disk. */
static bool is_blank(int fd)
{
    struct redo_header header;

    for (unsigned half = 0; half < 2; half++)
        if (disk_read(fd, &header, sizeof(header), REDO_HALF_AT(half)) != 0 ||
            le32toh(header.magic) == REDO_RECORD_MAGIC)
            return false;
    return true;
}

int recover_open(int store, int flags, struct superblock *superblock, bool *empty,
                 struct complaint *complaint)
{
    int fd = location_open(store, flags);
    int error;

    if (fd < 0)
        return complain_of_opening(complaint, fd);
    error = superblock_read(fd, superblock);
    *empty = error == -ENODATA && is_blank(fd);
    if (!error)
        return fd;
    close(fd);
    if (error == -EPROTONOSUPPORT)
        return complain(complaint, EPROTONOSUPPORT,
                        "%s has version %u of its format, and this program knows version %u; "
                        "recover it with the shmapfs that wrote it",
                        WHERE, superblock->version, REDO_VERSION);
    if (error == -ENODATA)
        return complain(complaint, ENODATA,
                        "%s has no whole superblock, so what it has cannot be told; look at it, "
                        "and move it away",
                        WHERE);
    return complain(complaint, -error, "%s cannot be read: %s", WHERE, strerror(-error));
}

/* A recovery under way. */
struct recovery {
    struct journal_object **objects;
    size_t count;
    const struct journal_listener *listener;
    struct journal_report *report;
    uint64_t done; // bytes
    int error;     // the first
};

static uint64_t bytes_of(const struct journal_object *object)
{
    return object->layers[LAYER_COMMITTED].map.blocks * REDO_PAGE;
}

static void count_objects(struct recovery *recovery)
{
    size_t kept = 0;

    for (size_t i = 0; i < recovery->count; i++) {
        struct journal_object *object = recovery->objects[i];

        recovery->report->uncommitted += object->layers[LAYER_UNCOMMITTED].map.blocks * REDO_PAGE;
        if (!object->layers[LAYER_COMMITTED].changed)
            continue;
        recovery->report->objects++;
        recovery->report->bytes += bytes_of(object);
        recovery->objects[kept++] = object;
    }
    recovery->count = kept;
}

static int recover_file(struct journal_object *object, int fd)
{
    struct layer *applying = &object->layers[LAYER_APPLYING];
    struct layer *committed = &object->layers[LAYER_COMMITTED];
    int error;

    extent_map_overlay(&applying->map, &committed->map, NULL);
    applying->size = committed->size;
    applying->mtime = committed->mtime;
    error = apply_object(object, fd);
    close(fd);
    return error;
}

static int recover_one(void *context, size_t index, int fd)
{
    struct recovery *recovery = context;
    struct journal_object *object = recovery->objects[index];
    const struct journal_listener *listener = recovery->listener;
    char line[256];
    int error;

    recovery->done += bytes_of(object);
    error = fd < 0 ? fd : recover_file(object, fd);
    if (error == -ESTALE) {
        // Nothing is wrong: it was removed.
        recovery->report->gone++;
    } else if (error) {
        recovery->report->failed++;
        recovery->error = recovery->error ? recovery->error : error;
        snprintf(line, sizeof(line), "cannot be written: %s", strerror(-error));
        damage_tell(listener, object, line);
    }
    if (listener != NULL && listener->progress != NULL)
        listener->progress(listener->context, recovery->done, recovery->report->bytes);
    return 0;
}

static int look_at_one(void *context, size_t index, int fd)
{
    struct recovery *recovery = context;

    (void)index;
    recovery->report->gone += fd == -ESTALE;
    if (fd >= 0)
        close(fd);
    return 0;
}

/* Replays a journal whose file is open, and writes what was committed unless that is only to be
 * verified. */
static int work_through(struct journal *journal, const struct superblock *superblock, bool write,
                        const struct journal_listener *listener, struct journal_report *report)
{
    struct replay replay = { .journal = journal, .crash = true, .listener = listener };
    struct recovery recovery = { .listener = listener, .report = report };
    ssize_t count;
    int error = replay_run(&replay, superblock);

    *report = replay.report;
    // The rest after a record that contradicts the others cannot be understood.
    if (error == -EUCLEAN)
        report->broken = true;
    else if (error)
        return error;
    count = object_hold_all(journal, &recovery.objects);
    if (count < 0)
        return (int)count;
    recovery.count = (size_t)count;
    count_objects(&recovery);
    error =
        find_each(journal, recovery.objects, recovery.count, write ? find_to_write : find_to_name,
                  write ? recover_one : look_at_one, &recovery);
    free(recovery.objects);
    return error ? error : recovery.error;
}

static int recover_journal(int store, int fd, const struct superblock *superblock, bool write,
                           const struct journal_listener *listener, struct journal_report *report)
{
    struct journal_options options = { .size = superblock->size, .spill = -1 };
    struct journal *journal = journal_new(store, &options);
    int error;

    if (journal == NULL) {
        close(fd);
        return -ENOMEM;
    }
    journal->fd = fd;
    error = work_through(journal, superblock, write, listener, report);
    journal_free(journal);
    return error;
}

/* The files have all that was committed; the journal must not be there once more after a crash, for
 * they may be changed from now on. */
static int put_away(int store, const struct journal_report *report)
{
    return report->damaged > 0 || report->broken ? location_keep_damaged(store)
                                                 : location_remove(store);
}

int journal_recover(int store, const struct journal_listener *listener,
                    struct journal_report *report, struct complaint *complaint)
{
    struct superblock superblock = { .version = 0 };
    bool empty = false;
    int fd = recover_open(store, O_RDWR, &superblock, &empty, complaint);
    int error;

    *report = (struct journal_report){ .exists = false };
    if (fd == -ENOENT)
        return 0;
    if (fd < 0 && !empty)
        return fd;
    error = fd < 0 ? 0 : recover_journal(store, fd, &superblock, true, listener, report);
    report->exists = true;
    if (!error)
        error = put_away(store, report);
    if (error == -ENOSPC || error == -EDQUOT)
        return complain(complaint, -error,
                        "the store has no room for all that was committed; make some, and recover "
                        "it again: nothing is lost");
    if (error)
        return complain(complaint, -error,
                        "not all that was committed could be brought into the store: %s; see to "
                        "that, and recover it again: nothing is lost",
                        strerror(-error));
    return 0;
}

int journal_verify(int store, const struct journal_listener *listener,
                   struct journal_report *report, struct complaint *complaint)
{
    struct superblock superblock = { .version = 0 };
    bool empty = false;
    int fd = recover_open(store, O_RDONLY, &superblock, &empty, complaint);
    int error;

    *report = (struct journal_report){ .exists = false };
    if (fd == -ENOENT)
        return 0;
    if (fd < 0 && !empty)
        return fd;
    error = fd < 0 ? 0 : recover_journal(store, fd, &superblock, false, listener, report);
    report->exists = true;
    if (error)
        return complain(complaint, -error, "%s cannot be read: %s", WHERE, strerror(-error));
    return 0;
}
